// What objects say of one another: selectors and labels, ports, volumes, keys of Secrets and ConfigMaps, accounts. Each
// function adds its faults to a list.
import {containersOf, covers, hasPort, podOf, title} from './world.mjs';

function selectors(world, faults) {
  for (const workload of world.workloads) {
    const labels = workload.spec.template?.metadata?.labels;
    const selector = workload.spec.selector?.matchLabels;
    if (workload.kind === 'Job') continue;
    if (!selector || !covers(selector, labels)) faults.push(`${title(workload)}: its selector does not take its own pods`);
    else if (world.taken(selector).length !== 1) faults.push(`${title(workload)}: its selector takes another's pods too`);
    for (const spread of podOf(workload).topologySpreadConstraints ?? []) {
      if (!covers(spread.labelSelector?.matchLabels, labels)) faults.push(`${title(workload)}: spreads pods that are not its own`);
    }
  }
  for (const budget of world.of('PodDisruptionBudget')) {
    if (world.taken(budget.spec.selector?.matchLabels).length !== 1) faults.push(`${title(budget)}: takes no pods, or several workloads'`);
  }
}

function services(world, faults) {
  for (const service of world.of('Service')) {
    const taken = world.taken(service.spec.selector);
    if (taken.length !== 1) faults.push(`${title(service)}: takes no pods, or several workloads'`);
    for (const port of service.spec.ports ?? []) {
      const target = port.targetPort ?? port.port;
      if (!taken.every((workload) => hasPort(podOf(workload).containers, target))) {
        faults.push(`${title(service)}: its pods have no port ${target}`);
      }
    }
  }
  for (const set of world.of('StatefulSet')) {
    if (!world.named('Service', set.spec.serviceName)) faults.push(`${title(set)}: there is no Service ${set.spec.serviceName}`);
  }
}

function ports(policy, rules, workloads, faults) {
  for (const {port} of rules ?? []) {
    for (const workload of workloads) {
      if (!hasPort(podOf(workload).containers, port)) faults.push(`${title(policy)}: ${title(workload)} has no port ${port}`);
    }
  }
}

function policies(world, faults) {
  const ofPeer = (policy, peer) => {
    if (!peer.podSelector || peer.namespaceSelector) return [];
    const taken = world.taken(peer.podSelector.matchLabels);
    if (taken.length === 0) faults.push(`${title(policy)}: a peer's selector takes no pods`);
    return taken;
  };
  for (const policy of world.of('NetworkPolicy')) {
    const own = world.taken(policy.spec.podSelector?.matchLabels);
    if (own.length === 0) faults.push(`${title(policy)}: takes no pods`);
    for (const rule of policy.spec.ingress ?? []) {
      (rule.from ?? []).forEach((peer) => ofPeer(policy, peer));
      ports(policy, rule.ports, own, faults);
    }
    for (const rule of policy.spec.egress ?? []) {
      (rule.to ?? []).forEach((peer) => ports(policy, rule.ports, ofPeer(policy, peer), faults));
    }
  }
}

// What a volume holds: its keys, or undefined when it is no Secret and no ConfigMap.
function volumeKeys(world, volume, where, faults) {
  const [kind, source] = volume.secret ? ['Secret', volume.secret.secretName] : ['ConfigMap', volume.configMap?.name];
  if (!volume.secret && !volume.configMap) return undefined;
  const entries = world.entries(kind, source);
  if (!entries) faults.push(`${where}: volume ${volume.name}: there is no ${kind} ${source}`);
  return Object.keys(entries ?? {});
}

function volumes(world, faults) {
  for (const workload of world.workloads) {
    const where = title(workload);
    const pod = podOf(workload);
    const claims = (workload.spec.volumeClaimTemplates ?? []).map((claim) => ({name: claim.metadata.name}));
    const known = new Map([...(pod.volumes ?? []), ...claims].map((volume) => [volume.name, volume]));
    const mounted = new Set();
    for (const container of containersOf(pod)) {
      const places = new Set();
      for (const mount of container.volumeMounts ?? []) {
        const volume = known.get(mount.name);
        if (!volume) faults.push(`${where}: ${container.name} mounts ${mount.name}, which is no volume`);
        if (places.has(mount.mountPath)) faults.push(`${where}: ${container.name} mounts ${mount.mountPath} twice`);
        places.add(mount.mountPath);
        mounted.add(mount.name);
        const keys = volume && mount.subPath && volumeKeys(world, volume, where, []);
        if (keys && !keys.includes(mount.subPath)) faults.push(`${where}: volume ${volume.name} has no key ${mount.subPath}`);
      }
    }
    for (const [name, volume] of known) {
      volumeKeys(world, volume, where, faults);
      if (!mounted.has(name)) faults.push(`${where}: nobody mounts volume ${name}`);
    }
  }
}

function references(world, faults) {
  for (const workload of world.workloads) {
    const pod = podOf(workload);
    const where = title(workload);
    for (const container of containersOf(pod)) {
      for (const {name, valueFrom} of container.env ?? []) {
        for (const [field, kind] of [['configMapKeyRef', 'ConfigMap'], ['secretKeyRef', 'Secret']]) {
          const ref = valueFrom?.[field];
          if (ref && world.entries(kind, ref.name)?.[ref.key] === undefined) {
            faults.push(`${where}: ${name}: there is no key ${ref.key} in ${kind} ${ref.name}`);
          }
        }
      }
    }
    const account = world.named('ServiceAccount', pod.serviceAccountName);
    if (!account) faults.push(`${where}: there is no ServiceAccount ${pod.serviceAccountName}`);
    else if (account.automountServiceAccountToken !== false) faults.push(`${title(account)}: its token is mounted`);
    if (pod.priorityClassName && !world.named('PriorityClass', pod.priorityClassName)) {
      faults.push(`${where}: there is no PriorityClass ${pod.priorityClassName}`);
    }
  }
}

function secrets(world, faults) {
  for (const secret of world.of('Secret')) faults.push(`${title(secret)}: Secrets are referred to, never part of the manifests`);
  for (const workload of world.workloads) {
    for (const {name, value} of containersOf(podOf(workload)).flatMap((container) => container.env ?? [])) {
      if (value !== undefined && /PASSWORD|TOKEN|SECRET|PRIVATE/.test(name)) faults.push(`${title(workload)}: ${name} is written out`);
    }
  }
}

function namespaces(world, faults) {
  const clusterWide = ['Namespace', 'PriorityClass'];
  for (const object of world.objects) {
    if (clusterWide.includes(object.kind)) continue;
    if (!world.named('Namespace', object.metadata.namespace)) faults.push(`${title(object)}: there is no namespace ${object.metadata.namespace}`);
  }
}

export function relationFaults(world) {
  const faults = [];
  for (const check of [selectors, services, policies, volumes, references, secrets, namespaces]) check(world, faults);
  return faults;
}
