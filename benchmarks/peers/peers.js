// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// What run.py asks of the npm packages: node peers.js FOLDER, with the question as JSON on standard
// input and the answer on standard output. Exit code 3: the package is not installed.

'use strict';

const { createRequire } = require('module');
const path = require('path');
const { peer, k, timed, rounds, pairs } = JSON.parse(require('fs').readFileSync(0, 'utf8'));

function load(name) {
  for (const from of [path.join(process.argv[2], 'x.js'), __filename]) {
    try {
      return createRequire(from)(name);
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  process.exit(3);
}

// FNV-1a, for a package that takes numbers.
function hash(text) {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; ++i) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

const library = load(peer);
let make, compare;
if (peer === 'minhash') {
  make = (set) => {
    const sketch = new library.Minhash({ numPerm: k });
    for (const shingle of set) sketch.update(shingle);
    return sketch;
  };
  compare = (a, b) => a.jaccard(b);
} else {
  const factory = new library.MinHashFactory(k, 2 ** 32 - 1);
  make = (set) => {
    const sketch = factory.create();
    sketch.bulkLoad(Array.from(set, hash));
    return sketch;
  };
  compare = (a, b) => a.compareWith(b);
}

function shingles(prompt) {
  const words = prompt.split(/\s+/);
  if (words.length < 3) return new Set([words.join(' ')]);
  const set = new Set();
  for (let i = 0; i + 2 < words.length; ++i) set.add(words.slice(i, i + 3).join(' '));
  return set;
}

// CPU time of an input.
function medianNs(work, all) {
  const inputs = all.slice(0, timed);
  for (const input of inputs) work(input); // for the compiler to see it
  const taken = [];
  for (let round = 0; round < rounds; ++round) {
    const begin = process.cpuUsage();
    for (const input of inputs) work(input);
    const { user, system } = process.cpuUsage(begin);
    taken.push((1000 * (user + system)) / inputs.length);
  }
  return taken.sort((a, b) => a - b)[Math.floor(rounds / 2)];
}

const answer = {};
for (const [size, ofSize] of Object.entries(pairs)) {
  const prompts = ofSize.flat();
  const sets = prompts.map(shingles);
  const estimates = ofSize.map(([a, b]) => compare(make(shingles(a)), make(shingles(b))));
  answer[size] = [medianNs((p) => make(shingles(p)), prompts), medianNs(make, sets), estimates];
}
process.stdout.write(JSON.stringify(answer));
