// WebSocket conformance of a running jitwg-ws-ingress whose target echoes datagrams: a generic client library (ws) as far
// as it behaves, raw sockets where it will not misbehave. Prints one JSON line for each case. Argument: the port.
'use strict';
const crypto = require('crypto');
const net = require('net');
const WebSocket = require('ws');

const port = Number(process.argv[2]);
const PATIENCE = 15000;
const MAGIC = Buffer.from('2faced77', 'hex');
const cases = [];
const add = (name, run) => cases.push({name, run});

function record(payload) {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(payload.length);
  return Buffer.concat([length, payload]);
}

// --- the library ------------------------------------------------------------------------------------------------------

function open(protocols, options = {}) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, protocols,
                                 {skipUTF8Validation: true, maxPayload: 1 << 20, ...options});
    socket.inbox = [];
    socket.readers = [];
    socket.on('message', (data, isBinary) => {
      const message = {data, isBinary};
      const reader = socket.readers.shift();
      if (reader) reader(message); else socket.inbox.push(message);
    });
    socket.closed = new Promise((done) => socket.on('close', (code, reason) => done({code, reason})));
    socket.on('open', () => resolve(socket));
    socket.on('error', reject);
    socket.on('unexpected-response', (request, response) => reject(new Error(`status ${response.statusCode}`)));
  });
}

const clean = () => open(['jitwg.v1']);
const deployed = () => open([]);
const next = (socket) => socket.inbox.length ? Promise.resolve(socket.inbox.shift())
                                             : new Promise((done) => socket.readers.push(done));

function same(got, wanted, what) {
  const equal = Buffer.isBuffer(wanted) ? Buffer.isBuffer(got) && got.equals(wanted) : got === wanted;
  if (!equal) throw new Error(`${what}: got ${String(got).slice(0, 80)}, wanted ${String(wanted).slice(0, 80)}`);
}

async function echoes(socket, payload) {
  const {data, isBinary} = await next(socket);
  same(isBinary, true, 'opcode');
  same(data, payload, 'echo');
}

for (const size of [1, 2, 124, 125, 126, 127, 128, 1420, 1996, 8191, 9215, 9216]) {
  add(`clean: ${size} bytes come back`, async () => {
    const socket = await clean();
    same(socket.protocol, 'jitwg.v1', 'subprotocol');
    same(socket.extensions, '', 'extensions');
    const payload = crypto.randomBytes(size);
    socket.send(payload);
    await echoes(socket, payload);
    socket.terminate();
  });
}

for (const parts of [['a', 'b'], ['a', '', 'b'], ['', 'ab'], ['ab', ''], ['1', '2', '3', '4', '5', '6']]) {
  add(`clean: fragments ${JSON.stringify(parts)} are one datagram`, async () => {
    const socket = await clean();
    parts.forEach((part, i) => socket.send(Buffer.from(part), {binary: true, fin: i === parts.length - 1}));
    await echoes(socket, Buffer.from(parts.join('')));
    socket.terminate();
  });
}

add('clean: a ping within fragments is answered first', async () => {
  const socket = await clean();
  const pong = new Promise((done) => socket.on('pong', done));
  socket.send(Buffer.from('a'), {fin: false});
  socket.ping('now');
  same(String(await pong), 'now', 'pong');
  socket.send(Buffer.from('b'), {fin: true});
  await echoes(socket, Buffer.from('ab'));
  socket.terminate();
});

for (const payload of ['', 'ping', 'p'.repeat(125)]) {
  add(`ping of ${payload.length} bytes is answered with the same`, async () => {
    const socket = await clean();
    const pong = new Promise((done) => socket.on('pong', done));
    socket.ping(payload);
    same(String(await pong), payload, 'pong');
    socket.terminate();
  });
}

add('an unasked pong changes nothing', async () => {
  const socket = await clean();
  socket.pong('unasked');
  socket.send(Buffer.from('on'));
  await echoes(socket, Buffer.from('on'));
  socket.terminate();
});

add('clean: an empty message is a keepalive', async () => {
  const socket = await clean();
  socket.send(Buffer.alloc(0));
  socket.send(Buffer.from('next'));
  await echoes(socket, Buffer.from('next'));
  socket.terminate();
});

add('clean: a thousand messages come back in their order', async () => {
  const socket = await clean();
  for (let i = 0; i < 1000; ++i) {
    socket.send(Buffer.from(`number ${i}`));
    // No more under way than the echo's UDP buffers hold.
    if (i % 50 === 49) for (let j = i - 49; j <= i; ++j) await echoes(socket, Buffer.from(`number ${j}`));
  }
  socket.terminate();
});

add('two connections do not meet', async () => {
  const [one, two] = [await clean(), await deployed()];
  one.send(Buffer.from('one'));
  two.send(Buffer.concat([MAGIC, record(Buffer.from('two'))]), {binary: false});
  await echoes(one, Buffer.from('one'));
  same((await next(two)).data, record(Buffer.from('two')), 'record');
  one.terminate();
  two.terminate();
});

for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1011, 3000, 4999]) {
  add(`close ${code} is answered with its code`, async () => {
    const socket = await clean();
    socket.close(code, 'because');
    same((await socket.closed).code, code, 'code');
  });
}

add('close without a code is answered without one', async () => {
  const socket = await clean();
  socket.close();
  same((await socket.closed).code, 1005, 'code');
});

for (const [size, code] of [[9217, 1009], [70000, 1009], [500000, 1009]]) {
  add(`clean: ${size} bytes are too many: ${code}`, async () => {
    const socket = await clean();
    socket.on('error', () => {});
    socket.send(Buffer.alloc(size));
    same((await socket.closed).code, code, 'code');
  });
}

add('clean: fragments that are too many bytes: 1009', async () => {
  const socket = await clean();
  for (let i = 0; i < 10; ++i) socket.send(Buffer.alloc(1000), {fin: false});
  same((await socket.closed).code, 1009, 'code');
});

add('clean: TEXT is not taken: 1003', async () => {
  const socket = await clean();
  socket.send('text');
  same((await socket.closed).code, 1003, 'code');
});

const RECORDS = {
  'in one message': [Buffer.concat([MAGIC, record(Buffer.from([0xff, 0xfe, 0x80]))])],
  'with the magic apart': [MAGIC, record(Buffer.from([0xff, 0xfe, 0x80]))],
  'with length and payload apart': [Buffer.concat([MAGIC, Buffer.from([0, 0, 0, 3])]), Buffer.from([0xff, 0xfe, 0x80])],
  'behind keepalives': [MAGIC, record(Buffer.alloc(0)), Buffer.concat([record(Buffer.alloc(0)),
                                                                     record(Buffer.from([0xff, 0xfe, 0x80]))])],
  'byte by byte': [...Buffer.concat([MAGIC, record(Buffer.from([0xff, 0xfe, 0x80]))])].map((byte) => Buffer.from([byte])),
};
for (const [name, messages] of Object.entries(RECORDS)) {
  add(`deployed: a record ${name}, no UTF-8 at all`, async () => {
    const socket = await deployed();
    same(socket.protocol, '', 'subprotocol');
    messages.forEach((message) => socket.send(message, {binary: false}));
    const {data, isBinary} = await next(socket);
    same(isBinary, false, 'opcode');
    same(data, record(Buffer.from([0xff, 0xfe, 0x80])), 'record');
    socket.terminate();
  });
}

add('deployed: coalesced records are many datagrams', async () => {
  const socket = await deployed();
  const records = ['a', 'bb', 'ccc'].map((text) => record(Buffer.from(text)));
  socket.send(Buffer.concat([MAGIC, ...records]), {binary: false});
  for (const one of records) same((await next(socket)).data, one, 'record');
  socket.terminate();
});

for (const [name, code, message, binary] of [
  ['a wrong magic', 1008, Buffer.from('GET / HT'), false],
  ['a record of 9217 bytes', 1009, Buffer.concat([MAGIC, Buffer.from([0, 0, 0x24, 1])]), false],
  ['a record of 4 GiB', 1009, Buffer.concat([MAGIC, Buffer.from([255, 255, 255, 255])]), false],
  ['BINARY', 1003, MAGIC, true]]) {
  add(`deployed: ${name}: ${code}`, async () => {
    const socket = await deployed();
    socket.send(message, {binary});
    same((await socket.closed).code, code, 'code');
  });
}

// --- raw sockets ------------------------------------------------------------------------------------------------------

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const GOOD = ['Host: x', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13',
              `Sec-WebSocket-Key: ${KEY}`];
const head = (line = 'GET / HTTP/1.1', fields = GOOD) => [line, ...fields, '', ''].join('\r\n');
const UPGRADE = head('GET / HTTP/1.1', [...GOOD, 'Sec-WebSocket-Protocol: jitwg.v1']);

function frame(first, payload, {mask = Buffer.from([1, 2, 3, 4]), length = null, bytes = null} = {}) {
  payload = Buffer.from(payload);
  const size = BigInt(length === null ? payload.length : length);
  const extra = bytes !== null ? bytes : size < 126n ? 0 : size < 65536n ? 2 : 8;
  const parts = [Buffer.from([first, (mask ? 0x80 : 0) | (extra === 0 ? Number(size) : extra === 2 ? 126 : 127)])];
  if (extra) {
    const wide = Buffer.alloc(8);
    wide.writeBigUInt64BE(size);
    parts.push(wide.subarray(8 - extra));
  }
  if (mask) {
    parts.push(mask);
    payload = payload.map((byte, i) => byte ^ mask[i % 4]);
  }
  return Buffer.concat([...parts, payload]);
}

// Sends the pieces and reads to the end, or until `enough(bytes)`.
function exchange(pieces, enough = () => false) {
  return new Promise((resolve, reject) => {
    const socket = net.connect({port, host: '127.0.0.1', noDelay: true});
    let got = Buffer.alloc(0);
    const finish = () => { socket.destroy(); resolve(got); };
    socket.on('data', (data) => { got = Buffer.concat([got, data]); if (enough(got)) finish(); });
    socket.on('end', finish);
    socket.on('error', reject);
    socket.on('connect', async () => {
      for (const piece of pieces) {
        socket.write(piece);
        if (pieces.length > 2) await new Promise(setImmediate);
      }
    });
  });
}

async function frames(pieces, enough) {
  const got = await exchange([UPGRADE, ...pieces], enough && ((bytes) => enough(bytes.subarray(bytes.indexOf('\r\n\r\n') + 4))));
  same(got.subarray(0, 12).toString(), 'HTTP/1.1 101', 'status');
  return got.subarray(got.indexOf('\r\n\r\n') + 4);
}

const closes = (code) => Buffer.from([0x88, 2, code >> 8, code & 255]);
const fault = (name, code, ...pieces) => add(`${name}: ${code}`, async () => same(await frames(pieces), closes(code), 'answer'));

fault('a frame without a mask', 1002, frame(0x82, 'a', {mask: null}));
fault('a ping without a mask', 1002, frame(0x89, 'a', {mask: null}));
for (const bit of [1, 2, 3]) fault(`RSV${bit}`, 1002, frame(0x82 | (0x80 >> bit), 'a'));
for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) fault(`opcode ${opcode}`, 1002, frame(0x80 | opcode, 'a'));
for (const [name, opcode] of [['close', 8], ['ping', 9], ['pong', 10]]) {
  fault(`a fragmented ${name}`, 1002, frame(opcode, ''));
  fault(`a ${name} of 126 bytes`, 1002, frame(0x80 | opcode, 'a'.repeat(126)));
}
fault('a continuation of nothing', 1002, frame(0x80, 'a'));
fault('an open continuation of nothing', 1002, frame(0x00, 'a'));
fault('a message within another', 1002, frame(0x02, 'a'), frame(0x82, 'b'));
fault('length 5 in two bytes', 1002, frame(0x82, 'abcde', {bytes: 2}));
fault('length 5 in eight bytes', 1002, frame(0x82, 'abcde', {bytes: 8}));
fault('length 200 in eight bytes', 1002, frame(0x82, 'a'.repeat(200), {bytes: 8}));
fault('a length with its top bit', 1002, frame(0x82, '', {length: 2n ** 63n, bytes: 8}));
fault('a giant length', 1009, frame(0x82, '', {length: 2n ** 62n, bytes: 8}));
fault('a close of one byte', 1002, frame(0x88, 'a'));
for (const code of [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535]) {
  fault(`close code ${code}`, 1002, frame(0x88, [code >> 8, code & 255]));
}
fault('a close reason that is no UTF-8', 1007, frame(0x88, [3, 232, 0xc3, 0x28]));
fault('a close reason cut in a letter', 1007, frame(0x88, [3, 232, 0xe2, 0x82]));
add('a close with a good reason', async () => same(await frames([frame(0x88, [3, 232, 0xc3, 0xbc])]), closes(1000), 'answer'));
add('nothing is read after a close', async () => {
  same(await frames([Buffer.concat([frame(0x88, [3, 233]), frame(0x83, ''), frame(0x82, 'x')])]), closes(1001), 'answer');
});
add('a frame sent byte by byte', async () => {
  const bytes = [...frame(0x82, 'slowly')].map((byte) => Buffer.from([byte]));
  same(await frames(bytes, (got) => got.length >= 8), Buffer.concat([Buffer.from([0x82, 6]), Buffer.from('slowly')]), 'echo');
});
add('frames in one packet with the upgrade', async () => {
  const all = Buffer.concat([Buffer.from(UPGRADE), frame(0x82, 'a'), frame(0x82, 'b')]);
  const got = await exchange([all], (bytes) => bytes.includes(Buffer.from([0x82, 1, 0x62])));
  same(got.subarray(got.indexOf('\r\n\r\n') + 4), Buffer.from([0x82, 1, 0x61, 0x82, 1, 0x62]), 'echo');
});

const refusal = (name, status, text) => add(`upgrade, ${name}: ${status}`, async () => {
  same((await exchange([text])).subarray(0, 12).toString(), `HTTP/1.1 ${status}`, 'status');
});
const without = (name) => GOOD.filter((field) => !field.startsWith(name));
refusal('POST', 405, head('POST / HTTP/1.1'));
refusal('HTTP/1.0', 505, head('GET / HTTP/1.0'));
refusal('another path', 404, head('GET /other HTTP/1.1'));
refusal('no HTTP', 400, 'EHLO example.org\r\n\r\n');
refusal('no Host', 400, head(undefined, without('Host')));
refusal('no Upgrade', 426, head(undefined, without('Upgrade')));
refusal('no Connection', 426, head(undefined, without('Connection')));
refusal('no version', 426, head(undefined, without('Sec-WebSocket-Version')));
refusal('version 8', 426, head(undefined, [...without('Sec-WebSocket-Version'), 'Sec-WebSocket-Version: 8']));
refusal('no key', 400, head(undefined, without('Sec-WebSocket-Key')));
refusal('a short key', 400, head(undefined, [...without('Sec-WebSocket-Key'), 'Sec-WebSocket-Key: abc=']));
refusal('a body', 400, head(undefined, [...GOOD, 'Content-Length: 3']));
refusal('a folded field', 400, head(undefined, [...GOOD, 'X: a', ' b']));
refusal('a giant header', 431, head(undefined, [...GOOD, `X: ${'a'.repeat(9000)}`]));
refusal('too many fields', 400, head(undefined, [...GOOD, ...Array(100).fill('X: a')]));
add('upgrade, names in any case: 101', async () => {
  const got = await exchange([head(undefined, GOOD.map((field) => field.replace('Sec-WebSocket', 'Sec-Websocket')))],
                             (bytes) => bytes.includes('\r\n\r\n'));
  same(got.subarray(0, 12).toString(), 'HTTP/1.1 101', 'status');
  same(got.includes('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n'), true, 'accept key');
});

async function main() {
  for (const {name, run} of cases) {
    let timer;
    const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error('time is up')), PATIENCE); });
    let problem = '';
    try {
      await Promise.race([run(), late]);
    } catch (error) {
      problem = error.message || String(error);
    }
    clearTimeout(timer);
    console.log(JSON.stringify({name, problem}));
  }
  process.exit(0);
}
main();
