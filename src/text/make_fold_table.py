#!/usr/bin/env python3
# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Writes fold_table.inc: what each Unicode character becomes before words are hashed.

    /usr/bin/python3 src/text/make_fold_table.py > src/text/fold_table.inc     (Debian: python3-icu)

One 16-bit entry a character, behind a two-stage index of 128-character pages:
  0 separator    1 dropped (zero width, format, combining accents)    2 letter or digit, kept as it is
  3 unspaced     (a script that puts no spaces between words: each character is a unit of its own)
  4 + i          replaced by the UTF-8 string at kFoldText[kFoldOffset[i] .. kFoldOffset[i + 1])
Rules, in this order: default-ignorable and format characters are dropped; compatibility forms and case are
folded (NFKC case folding); accents, vowel points and voicing marks fall away from the scripts in MARKS_FALL,
other characters are decomposed, so that canonically equivalent texts become one; a single character whose
Unicode confusable skeleton is one ASCII letter becomes that letter, or else if that is so of its capital
(a Cyrillic en looks like nothing, its capital like H). ASCII never takes part in the last rule, so that 0
stays apart from o. Hangul syllables are decomposed by unicode.cc, not by the table.
"""
import sys
import unicodedata

import icu

PAGE = 128
TOP = 0x2fa80  # beyond: what is left of planes 2 and 3 is unspaced ideographs, 14 is dropped, the rest separates
SEPARATOR, DROP, KEEP, UNSPACED, FIRST = 0, 1, 2, 3, 4
UNSPACED_SCRIPTS = {"Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar", "Bopomofo", "Yi"}
MARKS_FALL = {"Latin", "Greek", "Cyrillic", "Inherited", "Arabic", "Hebrew", "Hiragana", "Katakana"}
IOTA_BELOW = 0x345  # a mark that is a letter in other cases
HANGUL = range(0xac00, 0xd7a4)
spoof = icu.SpoofChecker()


def script(c):
    return icu.Script.getScript(c).getName()


def unspaced(c):
    if unicodedata.category(c)[0] == "N":
        return False
    kana = [icu.Script.hasScript(ord(c), icu.UScriptCode.HIRAGANA), icu.Script.hasScript(ord(c), icu.UScriptCode.KATAKANA)]
    return script(c) in UNSPACED_SCRIPTS or (script(c) == "Common" and any(kana) and letter(c))


def letter(c):
    return unicodedata.category(c)[0] in "LNM"


def look_alike(x):
    """The ASCII letter that x looks like, or x."""
    if ord(x) < 0x80 or unicodedata.category(x)[0] != "L":
        return x
    look = spoof.getSkeleton(0, x).lower()
    if len(look) == 1 and "a" <= look <= "z":
        return look
    capital = x.upper()
    look = spoof.getSkeleton(0, capital).lower() if len(capital) == 1 else ""
    # Capitals that look like a stroke look like I and l alike: no.
    return look if len(look) == 1 and "a" <= look <= "z" and look != "l" else x


def fold(c):
    """The string that character c (a str of length 1) becomes, or its class when it has none."""
    cp = ord(c)
    kind = unicodedata.category(c)
    if kind == "Cn" and cp >= 0x20000:
        return "", UNSPACED  # ideographs of a later Unicode
    if kind in ("Cs", "Co", "Cn"):
        return "", SEPARATOR
    if icu.Char.hasBinaryProperty(cp, icu.UProperty.DEFAULT_IGNORABLE_CODE_POINT) or kind == "Cf":
        return "", DROP
    if kind == "Cc" or kind[0] == "Z":
        return "", SEPARATOR
    if cp in HANGUL:
        return "", KEEP
    if kind in ("Mn", "Me") and unicodedata.combining(c) and script(c) == "Inherited" and cp != IOTA_BELOW:
        return "", DROP
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", c).casefold())
    if script(c) in MARKS_FALL or all(ord(x) < 0x250 for x in text):
        text = unicodedata.normalize("NFKC", "".join(
            x for x in unicodedata.normalize("NFKD", text) if unicodedata.combining(x) == 0)).casefold()
    return "".join(look_alike(x) for x in unicodedata.normalize("NFD", text)), None


entries, strings, index_of = [], [], {}
for cp in range(TOP):
    c = chr(cp)
    text, kind = fold(c)
    if kind is None:
        kept = "".join(x if letter(x) else " " for x in text).strip()
        if not kept:
            kind = SEPARATOR if text or not unicodedata.combining(c) else DROP
        elif kept == c:
            kind = UNSPACED if unspaced(c) else KEEP
        else:
            kept = " ".join(kept.split())
            kind = index_of.setdefault(kept, FIRST + len(index_of))
            if kind == FIRST + len(strings):
                strings.append(kept)
    entries.append(kind)

def check():
    """Raises unless folding is final and the same for every case and every normal form of a character."""
    def one(c):
        kind = entries[ord(c)]
        if kind == SEPARATOR:
            return " "
        if kind == DROP:
            return ""
        return c if kind == KEEP else f" {c} " if kind == UNSPACED else strings[kind - FIRST]

    def whole(text):
        text = "".join(unicodedata.normalize("NFD", c) if ord(c) in HANGUL else c for c in text)
        folded = "".join(c.lower() if c.isascii() else one(c) for c in text)
        # Characters of a replacement are classed, not folded again.
        return " ".join("".join(
            c if c.isascii() and c.isalnum() else " " if c.isascii() or entries[ord(c)] == SEPARATOR
            else "" if entries[ord(c)] == DROP else f" {c} " if entries[ord(c)] == UNSPACED else c
            for c in folded).split())

    for cp in range(0x80, TOP):
        c = chr(cp)
        if unicodedata.category(c) in ("Cs", "Cn", "Co"):
            continue
        folded = whole(c)
        assert whole(folded) == folded, f"{cp:x} is not final"
        for other in (c.upper(), c.lower(), c.title(), c.casefold()):
            assert whole(other) == folded, f"{cp:x} differs by case"
        for form in ("NFC", "NFD", "NFKC", "NFKD"):
            assert whole(unicodedata.normalize(form, c)) == folded, f"{cp:x} differs in {form}"


check()
pages, page_index = [], []
for start in range(0, TOP, PAGE):
    page = tuple(entries[start:start + PAGE])
    if page not in pages:
        pages.append(page)
    page_index.append(pages.index(page))

blob, offsets = b"", []
for s in strings:
    offsets.append(len(blob))
    blob += s.encode("utf-8")
offsets.append(len(blob))


def table(kind, name, values, per=20):
    print(f"inline constexpr {kind} {name}[{len(values)}] = {{")
    for i in range(0, len(values), per):
        print("    " + ", ".join(map(str, values[i:i + per])) + ",")
    print("};")


print("// Generated by src/text/make_fold_table.py (Unicode", unicodedata.unidata_version + "). Do not edit.")
print(f"inline constexpr std::uint32_t kFoldEnd = {TOP:#x};")
print(f"inline constexpr std::uint32_t kFoldPage = {PAGE};")
table("std::uint16_t", "kFoldPageIndex", page_index)
table("std::uint16_t", "kFoldEntry", [x for p in pages for x in p])
table("std::uint16_t", "kFoldOffset", offsets)
table("unsigned char", "kFoldText", list(blob))
print(f"{len(pages)} pages, {len(strings)} strings, {len(blob)} bytes, longest {max(map(len, strings))}", file=sys.stderr)
