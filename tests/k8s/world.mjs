// All objects of one overlay, with what is given beside them (Secrets, what clients are told) and what the images hold, to
// look things up in. Checks nothing.
import fs from 'node:fs';
import path from 'node:path';

const WORKLOADS = ['DaemonSet', 'Deployment', 'StatefulSet', 'Job'];

export const covers = (selector, labels) =>
    Object.entries(selector ?? {}).every(([key, value]) => labels?.[key] === value);
export const title = (object) => `${object.kind}/${object.metadata?.name}`;

// Stage of the Dockerfile -> {entrypoint, files}: what the manifests' images are made of.
export function readImages(root) {
  const images = {};
  let stage;
  for (const line of fs.readFileSync(path.join(root, 'Dockerfile'), 'utf8').split('\n')) {
    const from = /^FROM (\S+) AS (\S+)/.exec(line);
    if (from) {
      stage = images[from[2]] = {files: new Set(images[from[1]]?.files), entrypoint: images[from[1]]?.entrypoint ?? []};
      continue;
    }
    const copy = /^COPY (?:--from=\S+ )?(.*) (\/\S+\/)$/.exec(line);
    if (copy) copy[1].split(' ').forEach((file) => stage.files.add(copy[2] + path.basename(file)));
    const entrypoint = /^ENTRYPOINT (\[.*\])/.exec(line);
    if (entrypoint) stage.entrypoint = JSON.parse(entrypoint[1]);
  }
  return images;
}

// User's name in the Dockerfile -> number.
export function readUsers(root) {
  const text = fs.readFileSync(path.join(root, 'Dockerfile'), 'utf8');
  return Object.fromEntries([...text.matchAll(/\b(provisioner|peer-api|ws-ingress):(\d+)/g)].map((m) => [m[1], Number(m[2])]));
}

export class World {
  constructor(objects, given, root) {
    this.objects = objects;
    this.given = given;
    this.root = root;
    this.images = readImages(root);
    this.users = readUsers(root);
    this.workloads = objects.filter((object) => WORKLOADS.includes(object.kind));
  }

  of(kind) { return this.objects.filter((object) => object.kind === kind); }

  named(kind, name) {
    return [...this.objects, ...this.given].find((object) => object.kind === kind && object.metadata?.name === name);
  }

  // Workloads whose pods the selector takes.
  taken(selector) {
    return this.workloads.filter((workload) => covers(selector, workload.spec.template?.metadata?.labels));
  }

  // Key -> text, of a Secret or ConfigMap; undefined when nobody has it.
  entries(kind, name) {
    const object = this.named(kind, name);
    if (!object) return undefined;
    const texts = {...object.data, ...object.stringData};
    if (kind === 'Secret') for (const key of Object.keys(object.data ?? {})) texts[key] = Buffer.from(object.data[key], 'base64').toString();
    return texts;
  }

  // "sniffer" for jitwg-sniffer, registry.example.org/jitwg/sniffer:0.1.0; undefined when no stage has the name.
  image(container) {
    const name = (container.image ?? '').split('/').pop().split(/[:@]/)[0].replace(/^jitwg-/, '');
    return this.images[name] && {name, ...this.images[name]};
  }
}

export const podOf = (workload) => workload.spec.template?.spec ?? {};
export const containersOf = (pod) => [...(pod.initContainers ?? []), ...(pod.containers ?? [])];
export const portsOf = (containers) => containers.flatMap((container) => container.ports ?? []);
export const hasPort = (containers, port) =>
    portsOf(containers).some((entry) => entry.name === port || entry.containerPort === port);
