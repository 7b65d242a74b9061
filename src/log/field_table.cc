// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/field_table.h"

namespace distillwatch::log {
namespace {

// ---- Formats ----

constexpr Formats kPlain = Only(Format::kPlain), kBatch = Only(Format::kBatch),
                  kLiteLlm = Only(Format::kLiteLlm), kOtel = Only(Format::kOtel),
                  kOpenInference = Only(Format::kOpenInference), kKong = Only(Format::kKong),
                  kPortkey = Only(Format::kPortkey), kEnvoy = Only(Format::kEnvoy);
// Request bodies, bare or in a log line of the operator's own making.
constexpr Formats kBodies = Only(Format::kOpenAi) | Only(Format::kAnthropic);
// Gateways that log a body of either API as it came.
constexpr Formats kCarriers = kBatch | kLiteLlm | kKong | kPortkey;
constexpr Formats kTraces = kOtel | kOpenInference;

// ---- Homes ----

constexpr PathRow kHomeTable[] = {
    {kBodies | kPortkey, ".request"},
    {kBodies | kBatch, ".body"},
    {kBodies | kPortkey | kKong, ".request.body"},
    {kBodies, ".request_body"},
    {kBodies, ".requestBody"},
    {kBodies, ".payload"},
    {kLiteLlm, ".proxy_server_request"},
    {kLiteLlm, ".proxy_server_request.body"},
    {kKong, ".ai.proxy.payload.request"},
    {kKong, ".ai.payload.request"},
    {kKong, R"(.ai["ai-proxy"].payload.request)"},
    {kTraces, ".attributes"},
    {kTraces, ".span_attributes"},
    {kTraces, ".SpanAttributes"},
    {kTraces, ".LogAttributes"},
    {kTraces, ".events[].attributes"},
};

// ---- Fields ----

constexpr FieldRow kFieldTable[] = {
    // What the operator writes comes before what a client may write into its body: a harvester
    // could
    // otherwise be another account in every request.
    {kPlain, Field::kAccount, ".account"},
    {kLiteLlm, Field::kAccount, ".metadata.user_api_key_hash"},
    {kLiteLlm, Field::kAccount, ".metadata.user_api_key_alias"},
    {kLiteLlm, Field::kAccount, ".metadata.user_api_key_user_id"},
    {kLiteLlm, Field::kAccount, ".metadata.user_api_key_team_id"},
    {kLiteLlm, Field::kAccount, ".metadata.user_api_key_org_id"},
    {kLiteLlm, Field::kAccount, ".api_key"},
    {kLiteLlm, Field::kAccount, ".user"},
    {kLiteLlm, Field::kAccount, ".team_id"},
    {kLiteLlm, Field::kAccount, ".end_user"},
    {kKong, Field::kAccount, ".consumer.id"},
    {kKong, Field::kAccount, ".consumer.username"},
    {kKong, Field::kAccount, ".consumer.custom_id"},
    {kKong, Field::kAccount, ".authenticated_entity.id"},
    {kPortkey, Field::kAccount, ".metadata._user"},
    {kPortkey, Field::kAccount, ".metadata.user"},
    {kPortkey, Field::kAccount, ".metadata.user_id"},
    {kPortkey, Field::kAccount, ".metadata.organization"},
    {kPortkey, Field::kAccount, ".organization"},
    {kPortkey, Field::kAccount, ".organisation_id"},
    {kTraces, Field::kAccount, R"(~["user.id"])"},
    {kTraces, Field::kAccount, R"(~["enduser.id"])"},
    {kTraces, Field::kAccount, R"(~["enduser.pseudo.id"])"},
    {kTraces, Field::kAccount, R"(~["session.id"])"},
    {kBodies | kEnvoy | kBatch, Field::kAccount, ".account"},
    {kBodies | kEnvoy | kBatch, Field::kAccount, ".account_id"},
    {kBodies | kEnvoy, Field::kAccount, ".api_key_hash"},
    {kBodies | kEnvoy, Field::kAccount, ".key_hash"},
    {kBodies | kEnvoy, Field::kAccount, ".api_key_id"},
    {kBodies | kEnvoy, Field::kAccount, ".key_id"},
    {kBodies, Field::kAccount, ".api_key"},
    {kBodies, Field::kAccount, ".customer_id"},
    {kBodies | kEnvoy, Field::kAccount, ".user_id"},
    {kBodies | kEnvoy, Field::kAccount, ".consumer_id"},
    {kBodies | kEnvoy, Field::kAccount, ".tenant_id"},
    {kBodies, Field::kAccount, ".organization_id"},
    {kBodies, Field::kAccount, ".metadata.api_key_hash"},
    {kEnvoy, Field::kAccount, R"(["x-account-id"])"},
    {kEnvoy, Field::kAccount, R"(["x-api-key-hash"])"},
    {kEnvoy, Field::kAccount, R"(["x-api-key-id"])"},
    {kEnvoy, Field::kAccount, R"(["x-consumer-id"])"},
    {kEnvoy, Field::kAccount, R"(["x-user-id"])"},
    {kEnvoy, Field::kAccount, R"(["x-tenant-id"])"},
    {kEnvoy, Field::kAccount, R"(["user.id"])"},
    {kBodies | kKong | kPortkey, Field::kAccount, "~.safety_identifier"},
    {kBodies | kKong | kPortkey, Field::kAccount, "~.user"},
    {kBodies | kKong | kPortkey, Field::kAccount, "~.metadata.user_id"},

    {kPlain | kBatch, Field::kTime, ".time"},
    {kLiteLlm, Field::kTime, ".startTime"},
    {kKong, Field::kTime, ".started_at"},
    {kTraces, Field::kTime, ".startTimeUnixNano"},
    {kTraces, Field::kTime, ".start_time_unix_nano"},
    {kTraces, Field::kTime, ".timeUnixNano"},
    {kTraces, Field::kTime, ".time_unix_nano"},
    {kTraces | kEnvoy, Field::kTime, ".start_time"},
    {kTraces, Field::kTime, ".startTime"},
    {kTraces, Field::kTime, ".observedTimeUnixNano"},
    {kTraces, Field::kTime, ".Timestamp"},
    {kBodies | kPortkey, Field::kTime, ".time"},
    {kBodies | kPortkey | kTraces | kEnvoy | kKong, Field::kTime, ".timestamp"},
    {kBodies | kEnvoy, Field::kTime, ".ts"},
    {kBodies | kTraces | kEnvoy | kKong, Field::kTime, R"(["@timestamp"])"},
    {kBodies | kPortkey | kBatch, Field::kTime, ".created_at"},
    {kBodies | kPortkey | kBatch, Field::kTime, ".created"},
    {kBodies, Field::kTime, ".start_time"},
    {kBodies, Field::kTime, ".startTime"},
    {kBodies, Field::kTime, ".started_at"},
    {kBodies, Field::kTime, ".time_iso8601"},
    {kBodies, Field::kTime, ".msec"},
    {kBodies | kPortkey, Field::kTime, ".response.created"},
    {kBodies | kPortkey, Field::kTime, ".response.created_at"},
    {kBodies | kPortkey | kBatch, Field::kTime, ".response.body.created"},
    {kBodies | kPortkey | kBatch, Field::kTime, ".response.body.created_at"},

    {kPlain, Field::kPrompt, ".prompt"},
    {kLiteLlm, Field::kPromptOrItsJson, ".messages"},
    {kTraces, Field::kPromptOrItsJson, R"(~["gen_ai.input.messages"])"},
    {kTraces, Field::kPromptOrItsJson, R"(~["gen_ai.prompt"])"},
    {kTraces, Field::kPromptOrItsJson, R"(~["input.value"])"},
    {kOtel, Field::kPrompt, ".body.content"},
    {kBodies | kCarriers, Field::kPrompt, "~.messages"},
    {kBodies | kCarriers, Field::kPrompt, "~.input"},
    {kBodies | kCarriers, Field::kPrompt, "~.prompt"},
    {kBodies | kCarriers, Field::kPrompt, "~.contents"},

    {kPlain, Field::kSystem, ".system"},
    {kTraces, Field::kSystemOrItsJson, R"(~["gen_ai.system_instructions"])"},
    {kBodies | kCarriers, Field::kSystem, "~.system"},
    {kBodies | kCarriers, Field::kSystem, "~.instructions"},
    {kBodies | kCarriers, Field::kSystem, "~.systemInstruction"},
    {kBodies | kCarriers, Field::kSystem, "~.system_instruction"},

    {kPlain | kLiteLlm, Field::kModel, ".model"},
    {kTraces | kEnvoy, Field::kModel, R"(~["gen_ai.request.model"])"},
    {kTraces | kEnvoy, Field::kModel, R"(~["gen_ai.response.model"])"},
    {kTraces, Field::kModel, R"(~["llm.model_name"])"},
    {kKong, Field::kModel, ".ai.proxy.meta.request_model"},
    {kKong, Field::kModel, ".ai.proxy.meta.response_model"},
    {kKong, Field::kModel, R"(.ai["ai-proxy"].meta.request_model)"},
    {kBodies | kCarriers, Field::kModel, "~.model"},
    {kBodies | kEnvoy, Field::kModel, ".model"},
    {kEnvoy, Field::kModel, ".genai_model_name"},
    {kEnvoy, Field::kModel, R"(["x-ai-eg-model"])"},

    {kPlain | kLiteLlm | kBodies | kEnvoy, Field::kPromptTokens, ".prompt_tokens"},
    {kBodies | kEnvoy, Field::kPromptTokens, ".input_tokens"},
    {kTraces | kEnvoy, Field::kPromptTokens, R"(~["gen_ai.usage.input_tokens"])"},
    {kTraces | kEnvoy, Field::kPromptTokens, R"(~["gen_ai.usage.prompt_tokens"])"},
    {kTraces, Field::kPromptTokens, R"(~["llm.token_count.prompt"])"},
    {kTraces, Field::kPromptTokens, R"(~["llm.usage.prompt_tokens"])"},
    {kEnvoy, Field::kPromptTokens, ".genai_tokens_input"},
    {kEnvoy, Field::kPromptTokens, ".llm_input_token"},
    {kKong, Field::kPromptTokens, ".ai.proxy.usage.prompt_tokens"},
    {kKong, Field::kPromptTokens, ".ai.proxy.usage.prompt_token"},
    {kKong, Field::kPromptTokens, R"(.ai["ai-proxy"].usage.prompt_token)"},
    {kBodies | kPortkey, Field::kPromptTokens, ".usage.prompt_tokens"},
    {kBodies | kPortkey, Field::kPromptTokens, ".usage.input_tokens"},
    {kBodies | kPortkey, Field::kPromptTokens, ".response.usage.prompt_tokens"},
    {kBodies | kPortkey, Field::kPromptTokens, ".response.usage.input_tokens"},
    {kBodies | kPortkey | kBatch, Field::kPromptTokens, ".response.body.usage.prompt_tokens"},
    {kBodies | kPortkey | kBatch, Field::kPromptTokens, ".response.body.usage.input_tokens"},

    {kPlain | kLiteLlm | kBodies | kEnvoy, Field::kCompletionTokens, ".completion_tokens"},
    {kBodies | kEnvoy, Field::kCompletionTokens, ".output_tokens"},
    {kTraces | kEnvoy, Field::kCompletionTokens, R"(~["gen_ai.usage.output_tokens"])"},
    {kTraces | kEnvoy, Field::kCompletionTokens, R"(~["gen_ai.usage.completion_tokens"])"},
    {kTraces, Field::kCompletionTokens, R"(~["llm.token_count.completion"])"},
    {kTraces, Field::kCompletionTokens, R"(~["llm.usage.completion_tokens"])"},
    {kEnvoy, Field::kCompletionTokens, ".genai_tokens_output"},
    {kEnvoy, Field::kCompletionTokens, ".llm_output_token"},
    {kKong, Field::kCompletionTokens, ".ai.proxy.usage.completion_tokens"},
    {kKong, Field::kCompletionTokens, ".ai.proxy.usage.completion_token"},
    {kKong, Field::kCompletionTokens, R"(.ai["ai-proxy"].usage.completion_token)"},
    {kBodies | kPortkey, Field::kCompletionTokens, ".usage.completion_tokens"},
    {kBodies | kPortkey, Field::kCompletionTokens, ".usage.output_tokens"},
    {kBodies | kPortkey, Field::kCompletionTokens, ".response.usage.completion_tokens"},
    {kBodies | kPortkey, Field::kCompletionTokens, ".response.usage.output_tokens"},
    {kBodies | kPortkey | kBatch, Field::kCompletionTokens,
     ".response.body.usage.completion_tokens"},
    {kBodies | kPortkey | kBatch, Field::kCompletionTokens, ".response.body.usage.output_tokens"},

    {kPlain, Field::kEarlierTurns, ".earlier_turns"},

    {kTraces, Field::kKind, R"(~["openinference.span.kind"])"},
    {kTraces, Field::kKind, R"(~["gen_ai.operation.name"])"},
    {kTraces, Field::kKind, R"(~["event.name"])"},
    {kTraces, Field::kKind, ".eventName"},
    {kTraces, Field::kKind, ".event_name"},
    {kTraces, Field::kKind, ".EventName"},
};

constexpr PathRow kAddressTable[] = {
    {kTraces, R"(~["client.address"])"},    {kKong, ".client_ip"},
    {kEnvoy, R"(["x-forwarded-for"])"},     {kEnvoy, ".x_forwarded_for"},
    {kEnvoy, ".downstream_remote_address"}, {kEnvoy, ".client_ip"},
};

constexpr PathRow kIndexedTable[] = {
    {kOpenInference, R"(~["llm.input_messages."])"},
    {kOtel, R"(~["gen_ai.prompt."])"},
};

// ---- Attributes ----

constexpr AttributeRow kAttributeTable[] = {
    {kLiteLlm, "ip", ".requester_ip_address"},
    {kLiteLlm, "ip", ".metadata.requester_ip_address"},
    {kLiteLlm, "user_agent", ".metadata.user_agent"},
    {kLiteLlm, "team", ".metadata.user_api_key_team_id"},
    {kLiteLlm, "organization", ".metadata.user_api_key_org_id"},
    {kTraces, "ip", R"(~["client.address"])"},
    {kTraces, "user_agent", R"(~["user_agent.original"])"},
    {kKong | kEnvoy | kBodies, "ip", ".client_ip"},
    {kKong, "user_agent", R"(.request.headers["user-agent"])"},
    {kPortkey, "organization", ".metadata.organization"},
    {kPortkey, "user_agent", R"(.request.headers["user-agent"])"},
    {kEnvoy, "ip", R"(["x-forwarded-for"])"},
    {kEnvoy, "ip", ".x_forwarded_for"},
    {kEnvoy, "ip", ".downstream_remote_address"},
    {kEnvoy, "user_agent", R"(["user-agent"])"},
    {kEnvoy | kBodies, "user_agent", ".user_agent"},
    {kBodies, "ip", ".ip"},
    {kBodies, "ip", ".remote_addr"},
    {kBodies, "ip", ".ip_address"},
    {kBodies, "payment", ".payment"},
    {kBodies, "organization", ".organization_id"},
    {kBodies, "client", ".client"},
    {kBodies, "asn", ".asn"},
};

constexpr std::string_view kNoAttributeTable[] = {"response", "completion", "output",   "answer",
                                                  "id",       "request_id", "trace_id", "span_id",
                                                  "event_id", "session_id", "messages", "error"};

// ---- Kinds ----

constexpr std::string_view kOtherKindTable[] = {
    "execute_tool",
    "create_agent",
    "invoke_agent",  // its calls of the model are spans of their own
    "invoke_workflow",
    "gen_ai.system.message",
    "gen_ai.assistant.message",
    "gen_ai.tool.message",
    "gen_ai.choice",
    "CHAIN",
    "TOOL",
    "AGENT",
    "RETRIEVER",
    "RERANKER",
    "GUARDRAIL",
    "EVALUATOR",
    "PROMPT",
};

// ---- Signs ----

constexpr SignRow kSignTable[] = {
    {Format::kPlain, {".time", ".account", ".prompt"}},
    {Format::kBatch, {".custom_id", ".body"}},
    {Format::kLiteLlm, {".metadata.user_api_key_hash"}},
    {Format::kLiteLlm, {".call_type", ".startTime"}},
    {Format::kLiteLlm, {".api_key", ".startTime"}},
    {Format::kKong, {".ai.proxy"}},
    {Format::kKong, {".ai", ".started_at"}},
    {Format::kKong, {".consumer", ".started_at"}},
    {Format::kKong, {".client_ip", ".started_at"}},
    {Format::kOpenInference, {R"(~["openinference.span.kind"])"}},
    {Format::kOpenInference, {R"(~["llm.input_messages.0.message.role"])"}},
    {Format::kOpenInference, {R"(~["llm.model_name"])"}},
    {Format::kEnvoy, {".start_time", ".response_code"}},
    {Format::kEnvoy, {".start_time", ".route_name"}},
    {Format::kEnvoy, {".start_time", ".downstream_remote_address"}},
    {Format::kEnvoy, {".start_time", R"(["x-request-id"])"}},
    {Format::kOtel, {R"(~["gen_ai.operation.name"])"}},
    {Format::kOtel, {R"(~["gen_ai.request.model"])"}},
    {Format::kOtel, {R"(~["gen_ai.provider.name"])"}},
    {Format::kOtel, {R"(~["gen_ai.system"])"}},
    {Format::kOtel, {R"(~["gen_ai.input.messages"])"}},
    {Format::kOtel, {R"(~["gen_ai.prompt"])"}},
    {Format::kOtel, {R"(~["gen_ai.prompt.0.content"])"}},
    {Format::kOtel, {".attributes", ".startTimeUnixNano"}},
    {Format::kOtel, {".attributes", ".timeUnixNano"}},
    {Format::kOtel, {".attributes", ".start_time"}},
    {Format::kPortkey, {".request.body", ".request.provider"}},
    {Format::kPortkey, {".request.body", ".request.url"}},
    {Format::kPortkey, {".request.body", ".metadata._user"}},
    {Format::kAnthropic, {"~.messages", "~.system"}},
    {Format::kAnthropic, {"~.messages", "~.anthropic_version"}},
    {Format::kAnthropic, {"~.messages", "~.metadata.user_id"}},
    {Format::kOpenAi, {"~.messages"}},
    {Format::kOpenAi, {"~.input"}},
    {Format::kOpenAi, {"~.instructions"}},
    {Format::kOpenAi, {"~.prompt"}},
    {Format::kOpenAi, {"~.contents"}},
    {Format::kPlain, {".time", ".account"}},
};

}  // namespace

const std::span<const FieldRow> kFieldRows = kFieldTable;
const std::span<const PathRow> kAddressRows = kAddressTable;
const std::span<const AttributeRow> kAttributeRows = kAttributeTable;
const std::span<const PathRow> kHomes = kHomeTable;
const std::span<const PathRow> kIndexedPrompts = kIndexedTable;
const std::span<const std::string_view> kOtherKinds = kOtherKindTable;
const std::span<const SignRow> kSigns = kSignTable;
const std::span<const std::string_view> kNoAttributes = kNoAttributeTable;

}  // namespace distillwatch::log
