// The manifests as kustomize built them: strictly valid, sound in what they say of one another, and understood by the
// programs. Then faults are planted, and each must be found. Arguments: the node_modules folder, the project's folder, the
// folder of the programs, the objects that are given beside the manifests, and a file for each overlay.
import {createRequire} from 'node:module';
import fs from 'node:fs';
import path from 'node:path';
import {FAULTS, plant} from './faults.mjs';
import {podFaults} from './pods.mjs';
import {programFaults} from './programs.mjs';
import {relationFaults} from './relations.mjs';
import {Strict} from './strict.mjs';
import {title, World} from './world.mjs';

const [modules, root, bin, givenFile, ...overlays] = process.argv.slice(2);
const yaml = createRequire(path.join(modules, 'x.js'))('js-yaml');
const read = (file) => yaml.loadAll(fs.readFileSync(file, 'utf8')).filter(Boolean);
const strict = await Strict.load(modules);
const given = read(givenFile);

async function faultsOf(objects, programs) {
  const faults = [];
  for (const object of objects) {
    for (const fault of await strict.faults(object)) faults.push(`${title(object)}: ${fault}`);
  }
  // What is malformed cannot be looked up in.
  if (faults.length > 0) return {faults, ran: 0};
  const world = new World(objects, given, root);
  faults.push(...relationFaults(world), ...podFaults(world));
  if (!programs) return {faults, ran: 0};
  const checked = programFaults(world, bin);
  return {faults: [...faults, ...checked.faults], ran: checked.ran};
}

let bad = 0;
for (const object of given) {
  for (const fault of await strict.faults(object)) {
    console.error(`given ${title(object)}: ${fault}`);
    bad += 1;
  }
}
for (const file of overlays) {
  const objects = read(file);
  const {faults, ran} = await faultsOf(objects, true);
  // Gateway (three programs), WebSockets, peer API.
  if (ran < 5) faults.push(`only ${ran} containers run a program of ours`);
  const name = path.basename(file, '.yaml');
  faults.forEach((fault) => console.error(`${name}: ${fault}`));
  console.log(`${name}: ${objects.length} objects, ${ran} command lines, ${faults.length} faults`);
  bad += faults.length;
}
let found = 0;
for (const fault of FAULTS) {
  const {faults} = await faultsOf(plant(read(overlays[0]), fault), fault.programs);
  if (faults.some((text) => fault.says.test(text))) {
    found += 1;
  } else {
    console.error(`planted in ${fault.in} at ${fault.at.join('/')}: not found; said was: ${faults.join('; ') || 'nothing'}`);
    bad += 1;
  }
}
console.log(`planted faults: ${found} of ${FAULTS.length} found`);
process.exit(bad === 0 ? 0 : 1);
