// The programs themselves say whether the arguments, variables and files that the manifests give them are sound: each is run
// with --check-config. Nothing of the machine is touched.
import {spawnSync} from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {containersOf, podOf, title} from './world.mjs';

const PROGRAMS = ['jitwg-sniffer', 'jitwg-provisioner', 'jitwg-peer-api', 'jitwg-ws-ingress', 'jitwgctl'];

// The container's ConfigMaps and Secrets as files under `root`; the paths that are now there.
function lay(world, pod, container, root) {
  const places = [];
  for (const mount of container.volumeMounts ?? []) {
    const volume = (pod.volumes ?? []).find((one) => one.name === mount.name) ?? {};
    const entries = volume.secret ? world.entries('Secret', volume.secret.secretName)
                                  : volume.configMap && world.entries('ConfigMap', volume.configMap.name);
    if (!entries) continue;
    places.push(mount.mountPath);
    for (const [key, text] of Object.entries(entries)) {
      if (mount.subPath && mount.subPath !== key) continue;
      const file = path.join(root, mount.subPath ? mount.mountPath : path.join(mount.mountPath, key));
      fs.mkdirSync(path.dirname(file), {recursive: true});
      fs.writeFileSync(file, text, {mode: 0o600});
    }
  }
  return places;
}

function environment(world, container) {
  const values = {};
  for (const {name, value, valueFrom} of container.env ?? []) {
    const ref = valueFrom?.configMapKeyRef;
    if (value !== undefined) values[name] = value;
    else if (ref) values[name] = world.entries('ConfigMap', ref.name)?.[ref.key] ?? '';
    else if (valueFrom?.fieldRef) values[name] = valueFrom.fieldRef.fieldPath === 'status.hostIP' ? '192.0.2.1' : 'node-1';
    // As the kubelet does, from the variables before this one.
    if (values[name] !== undefined) values[name] = values[name].replace(/\$\((\w+)\)/g, (text, other) => values[other] ?? text);
  }
  return values;
}

function run(world, pod, container, bin) {
  const words = [...(container.command ?? world.image(container)?.entrypoint ?? []), ...(container.args ?? [])];
  if (!PROGRAMS.includes(words[0])) return undefined;
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'jitwg-k8s-'));
  try {
    const places = lay(world, pod, container, root);
    const moved = (text) => places.reduce((all, place) => all.replaceAll(`=${place}`, `=${root}${place}`), text);
    const env = Object.fromEntries(Object.entries(environment(world, container)).map(([name, value]) => [name, moved(value)]));
    const done = spawnSync(path.join(bin, words[0]), [...words.slice(1).map(moved), '--check-config'],
                           {env, encoding: 'utf8', timeout: 20000});
    if (done.error) throw done.error;
    return {code: done.status, text: (done.stdout + done.stderr).replaceAll(root, '').trim()};
  } finally {
    fs.rmSync(root, {recursive: true});
  }
}

// Faults, and how many containers run a program of ours.
export function programFaults(world, bin) {
  const faults = [];
  let ran = 0;
  for (const workload of world.workloads) {
    const pod = podOf(workload);
    for (const container of containersOf(pod)) {
      const result = run(world, pod, container, bin);
      if (!result) continue;
      ran += 1;
      if (result.code !== 0) faults.push(`${title(workload)}: ${container.name}: ${result.text || `exit code ${result.code}`}`);
    }
  }
  return {faults, ran};
}
