// Faults to plant, each with what must be said of it: a check that cannot fail is none. `path` leads into the object named
// by `in`; a function changes what is there.
const container = (index) => ['spec', 'template', 'spec', 'containers', index];
const init = (index) => ['spec', 'template', 'spec', 'initContainers', index];

export const FAULTS = [
  {in: 'DaemonSet/gateway', at: [...container(0), 'volumeMount'], to: [], says: /has no such field/},
  {in: 'DaemonSet/gateway', at: ['spec', 'updateStrategy', 'rollingUpdate', 'maxUnavailble'], to: 1, says: /has no such field/},
  {in: 'DaemonSet/gateway', at: ['spec', 'template', 'spec', 'hostNetwork'], to: 'true', says: /is no boolean/},
  {in: 'DaemonSet/gateway', at: ['spec', 'minReadySeconds'], to: '10', says: /is no whole number/},
  {in: 'DaemonSet/gateway', at: [...container(0), 'args'], to: '--config=x', says: /is no list/},
  {in: 'DaemonSet/gateway', at: [...container(0), 'name'], to: undefined, says: /required/},
  {in: 'DaemonSet/gateway', at: ['apiVersion'], to: 'app/v1', says: /there is no DaemonSet in app\/v1/},
  {in: 'DaemonSet/gateway', at: [...container(0), 'resources', 'limits', 'memory'], to: '512Mb', says: /is no quantity/},
  {in: 'DaemonSet/gateway', at: [...container(0), 'resources', 'limits', 'memory'], to: '512m', says: /thousandth of a byte/},
  {in: 'DaemonSet/gateway', at: [...container(0), 'resources', 'requests', 'memory'], to: '1Gi', says: /more memory than its limit/},
  {in: 'DaemonSet/gateway', at: ['spec', 'template', 'metadata', 'labels', 'app.kubernetes.io/name'], to: 'gate way', says: /is no label/},
  {in: 'DaemonSet/gateway', at: ['spec', 'selector', 'matchLabels', 'app.kubernetes.io/name'], to: 'gatway', says: /does not take its own pods/},
  {in: 'DaemonSet/gateway', at: ['spec', 'selector', 'matchLabels'], to: {'app.kubernetes.io/part-of': 'jitwg'}, says: /takes another's pods/},
  {in: 'DaemonSet/gateway', at: [...container(0), 'volumeMounts', 0, 'name'], to: 'confg', says: /mounts confg, which is no volume/},
  {in: 'DaemonSet/gateway', at: ['spec', 'template', 'spec', 'volumes', 1, 'secret', 'secretName'], to: 'gateway-keys', says: /no Secret gateway-keys/},
  {in: 'DaemonSet/gateway', at: [...init(1), 'volumeMounts', 1, 'subPath'], to: 'wg1.key', says: /has no key wg1.key/},
  {in: 'DaemonSet/gateway', at: [...container(1), 'env', 2, 'valueFrom', 'secretKeyRef', 'key'], to: 'gw', says: /no key gw in Secret/},
  {in: 'DaemonSet/gateway', at: [...container(1), 'env', 2], to: {name: 'PGPASSWORD', value: 'x'}, says: /is written out/},
  {in: 'DaemonSet/gateway', at: ['spec', 'template', 'spec', 'serviceAccountName'], to: 'default', says: /no ServiceAccount default/},
  {in: 'DaemonSet/gateway', at: ['spec', 'template', 'spec', 'priorityClassName'], to: 'high', says: /no PriorityClass high/},
  {in: 'DaemonSet/gateway', at: [...container(0), 'securityContext', 'capabilities', 'add'], to: ['NET_ADMIN', 'NET_RAW', 'SYS_ADMIN'], says: /has capabilities/},
  {in: 'DaemonSet/gateway', at: [...container(1), 'securityContext', 'runAsUser'], to: 4522, says: /is user 4522/},
  {in: 'DaemonSet/gateway', at: [...container(1), 'securityContext', 'runAsUser'], to: 0, says: /is root/},
  {in: 'DaemonSet/gateway', at: ['spec', 'template', 'spec', 'securityContext', 'seccompProfile', 'type'], to: 'Unconfined', says: /seccomp/},
  {in: 'DaemonSet/gateway', at: [...container(0), 'securityContext', 'readOnlyRootFilesystem'], to: false, says: /may write/},
  {in: 'DaemonSet/gateway', at: [...container(0), 'securityContext', 'allowPrivilegeEscalation'], to: undefined, says: /may gain privileges/},
  {in: 'DaemonSet/gateway', at: [...container(0), 'image'], to: 'jitwg-snifer:1', says: /makes no image/},
  {in: 'DaemonSet/gateway', at: [...container(0), 'livenessProbe', 'exec', 'command', 0], to: '/usr/local/lib/jitwg/healthy', says: /image has no/},
  {in: 'DaemonSet/gateway', at: [...container(0), 'livenessProbe', 'exec', 'command', 1], to: 'snifer', says: /health knows no/},
  {in: 'DaemonSet/gateway', at: [...container(0), 'readinessProbe'], to: undefined, says: /has no readinessProbe/},
  {in: 'DaemonSet/gateway', at: [...container(0), 'args', 0], to: '--confg=/etc/jitwg/gateway.toml', says: /sniffer: .*confg/, programs: true},
  {in: 'DaemonSet/gateway', at: [...container(1), 'env', 3, 'value'], to: 'admin.sock', says: /provisioner: .*admin-listen/, programs: true},
  {in: 'DaemonSet/gateway', at: [...init(1), 'args', 1], to: 'upp', says: /interface: /, programs: true},
  {in: 'ConfigMap/gateway', at: ['data', 'gateway.toml'], to: (text) => text.replace('listen-port', 'listen-prot'), says: /listen-prot/, programs: true},
  {in: 'ConfigMap/gateway', at: ['data', 'gateway.toml'], to: (text) => text.replace('10.8.0.0/16', '10.8.0.1/16'), says: /10\.8\.0\.1\/16/, programs: true},
  {in: 'DaemonSet/ws-ingress', at: [...container(0), 'ports', 0, 'containerPort'], to: 8444, says: /is not the node's/},
  {in: 'DaemonSet/ws-ingress', at: [...container(0), 'readinessProbe', 'tcpSocket', 'port'], to: 'wsss', says: /there is no port wsss/},
  {in: 'DaemonSet/ws-ingress', at: [...container(0), 'args', 3], to: '--target=127.0.0.1', says: /ws-ingress: .*target/, programs: true},
  {in: 'DaemonSet/gateway', at: [...container(0), 'env', 1, 'value'], to: '$(NODE_ADRESS):9586', says: /sniffer: .*metrics-listen/, programs: true},
  {in: 'DaemonSet/gateway', at: [...container(0), 'env', 1, 'name'], to: 'JITWG_METRICS', says: /serves no numbers/},
  {in: 'DaemonSet/gateway', at: [...container(1), 'ports', 0, 'name'], to: 'numbers', says: /called \*metrics is 9587/},
  {in: 'DaemonSet/gateway', at: [...container(1), 'ports', 0], to: {name: 'prov-metrics', containerPort: 9586, hostPort: 9586}, says: /port 9586 is/},
  {in: 'DaemonSet/ws-ingress', at: [...container(0), 'env', 2, 'value'], to: 'maybe', says: /ws-ingress: .*metrics-allow-remote/, programs: true},
  {in: 'Deployment/peer-api', at: [...container(0), 'ports', 1, 'name'], to: 'numbers', says: /called \*metrics is 9589/},
  {in: 'NetworkPolicy/peer-api', at: ['spec', 'ingress', 1, 'ports', 0, 'port'], to: 'numbers', says: /has no port numbers/},
  {in: 'Deployment/peer-api', at: [...container(0), 'startupProbe', 'httpGet', 'path'], to: '/healthy', says: /does not serve \/healthy/},
  {in: 'Deployment/peer-api', at: [...container(0), 'args', 1], to: '--tls-key=/x', says: /peer-api: .*tls/, programs: true},
  {in: 'Service/peer-api', at: ['spec', 'selector', 'app.kubernetes.io/name'], to: 'peerapi', says: /takes no pods/},
  {in: 'Service/peer-api', at: ['spec', 'ports', 0, 'targetPort'], to: 'http', says: /have no port http/},
  {in: 'PodDisruptionBudget/peer-api', at: ['spec', 'selector', 'matchLabels', 'app.kubernetes.io/name'], to: 'api', says: /takes no pods/},
  {in: 'NetworkPolicy/peer-api', at: ['spec', 'podSelector', 'matchLabels', 'app.kubernetes.io/name'], to: 'api', says: /takes no pods/},
  {in: 'NetworkPolicy/peer-api', at: ['spec', 'ingress', 0, 'ports', 0, 'port'], to: 443, says: /has no port 443/},
  {in: 'ServiceAccount/peer-api', at: ['automountServiceAccountToken'], to: true, says: /token is mounted/},
  {in: 'Namespace/jitwg', at: ['metadata', 'name'], to: 'jitvg', says: /there is no namespace jitwg/},
];

// A copy of the objects with the fault in it. Generated ConfigMaps have a hash behind their name.
export function plant(objects, fault) {
  const copy = structuredClone(objects);
  const object = copy.find(({kind, metadata}) => fault.in === `${kind}/${metadata.name}` ||
                                                fault.in === `${kind}/${metadata.name.replace(/-[a-z0-9]{10}$/, '')}`);
  if (!object) throw new Error(`there is no ${fault.in} to plant a fault in`);
  let place = object;
  for (const step of fault.at.slice(0, -1)) place = place[step];
  const last = fault.at[fault.at.length - 1];
  const to = typeof fault.to === 'function' ? fault.to(place[last]) : fault.to;
  if (JSON.stringify(place[last]) === JSON.stringify(to)) throw new Error(`planting ${fault.at.join('/')} changes nothing`);
  if (to === undefined) delete place[last];
  else place[last] = to;
  return copy;
}
