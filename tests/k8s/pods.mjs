// What each pod and container must be: least privilege, probes that can succeed, bounds, images that the Dockerfile makes.
import fs from 'node:fs';
import path from 'node:path';
import {containersOf, hasPort, podOf, portsOf, title} from './world.mjs';

// Every capability that anything may have, by container.
const CAPABILITIES = {folders: ['CHOWN'], interface: ['NET_ADMIN'], sniffer: ['NET_ADMIN', 'NET_RAW']};
// What Debian's packages bring into the images.
const DEBIAN = ['sh', 'install', 'pg_isready'];
// Who runs on and has numbers.
const PROGRAMS = ['sniffer', 'provisioner', 'peer-api', 'ws-ingress'];

function security(world, pod, container, complain) {
  const own = container.securityContext ?? {};
  const seccomp = own.seccompProfile ?? pod.securityContext?.seccompProfile;
  if (seccomp?.type !== 'RuntimeDefault') complain('has no seccomp profile RuntimeDefault');
  if (own.privileged) complain('is privileged');
  if (own.allowPrivilegeEscalation !== false) complain('may gain privileges');
  if (own.readOnlyRootFilesystem !== true) complain('has a root filesystem that it may write');
  const added = (own.capabilities?.add ?? []).slice().sort().join(' ');
  const wanted = (CAPABILITIES[container.name] ?? []).join(' ');
  if (own.capabilities?.drop?.join() !== 'ALL' || added !== wanted) complain(`has capabilities '${added}', not '${wanted}' alone`);
  const user = own.runAsUser ?? pod.securityContext?.runAsUser;
  if (wanted === '' && (!user || !(own.runAsNonRoot ?? pod.securityContext?.runAsNonRoot))) complain('is root');
  const image = world.image(container)?.name;
  if (image in world.users && user !== world.users[image]) complain(`is user ${user}, and the image's folders are ${world.users[image]}'s`);
}

function probe(world, container, name, complain) {
  const {exec, httpGet, tcpSocket} = container[name];
  if ([exec, httpGet, tcpSocket].filter(Boolean).length !== 1) return complain(`${name}: needs one of exec, httpGet, tcpSocket`);
  const port = (httpGet ?? tcpSocket)?.port;
  if (port !== undefined && !hasPort([container], port)) complain(`${name}: there is no port ${port}`);
  if (httpGet && !httpGet.path?.startsWith('/')) complain(`${name}: needs a path`);
  if (httpGet && !fs.readFileSync(path.join(world.root, 'peer-api/meta_routes.cc'), 'utf8').includes(`"${httpGet.path}"`)) {
    complain(`${name}: the peer API does not serve ${httpGet.path}`);
  }
  if (exec) command(world, container, exec.command, name, complain);
}

// A program of the image; the health script's argument is one that it knows.
function command(world, container, words, what, complain) {
  const image = world.image(container);
  const known = DEBIAN.includes(words[0]) || image?.files.has(words[0]) || image?.files.has(`/usr/local/bin/${words[0]}`);
  if (!known) complain(`${what}: the image has no ${words[0]}`);
  if (words[0].endsWith('/health')) {
    const script = fs.readFileSync(path.join(world.root, 'ops/compose/health'), 'utf8');
    const cases = [...script.matchAll(/^ {2}([a-z][a-z |-]*)\)/gm)].flatMap((match) => match[1].split(' | '));
    if (!cases.includes(words[1])) complain(`${what}: health knows no '${words[1]}'`);
  }
}

// Prometheus finds a program by the name of its port (ops/prometheus/kubernetes.yml).
function metrics(world, one, complain) {
  const image = world.image(one)?.name;
  if (!PROGRAMS.includes(image)) return;
  const told = [...(one.args ?? []).filter((arg) => arg.startsWith('--metrics-listen=')),
                ...(one.env ?? []).filter(({name}) => name === 'JITWG_METRICS_LISTEN').map(({value}) => value)];
  const port = Number(/:(\d+)$/.exec(told[0] ?? '')?.[1]);
  if (told.length !== 1 || !port) complain('serves no numbers');
  else if (!(one.ports ?? []).some((entry) => entry.name.endsWith('metrics') && entry.containerPort === port)) {
    complain(`no port of it that is called *metrics is ${port}`);
  }
}

function container(world, workload, pod, one, complain) {
  security(world, pod, one, complain);
  if (!world.image(one)) complain(`the Dockerfile makes no image ${one.image}`);
  if (one.command) command(world, one, one.command, 'command', complain);
  const {requests, limits} = one.resources ?? {};
  if (!requests?.cpu || !requests?.memory || !limits?.memory) complain('needs requests of cpu and memory, and a limit of memory');
  if (pod.containers.includes(one)) metrics(world, one, complain);
  for (const name of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
    if (one[name]) probe(world, one, name, complain);
    else if (workload.kind !== 'Job' && pod.containers.includes(one)) complain(`has no ${name}`);
  }
}

export function podFaults(world) {
  const faults = [];
  const taken = new Map();
  for (const workload of world.workloads) {
    const pod = podOf(workload);
    if (pod.automountServiceAccountToken !== false) faults.push(`${title(workload)}: mounts a token`);
    if (pod.enableServiceLinks !== false) faults.push(`${title(workload)}: has enableServiceLinks, whose variables look like options`);
    for (const one of containersOf(pod)) {
      container(world, workload, pod, one, (fault) => faults.push(`${title(workload)}: ${one.name}: ${fault}`));
    }
    for (const port of pod.hostNetwork ? portsOf(containersOf(pod)) : []) {
      if (port.hostPort !== port.containerPort) faults.push(`${title(workload)}: port ${port.name} is not the node's`);
      if (taken.has(port.hostPort)) faults.push(`${title(workload)}: port ${port.hostPort} is ${taken.get(port.hostPort)}'s`);
      taken.set(port.hostPort, title(workload));
    }
  }
  return faults;
}
