// Each object by itself, as a strict API server sees it: unknown fields, types, required fields, quantities, names. Knows
// nothing of other objects.
import fs from 'node:fs';
import path from 'node:path';
import {pathToFileURL} from 'node:url';

const QUANTITY = /^\d+(\.\d+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE]\d+)?$/;
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const LABEL_KEY = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const UNITS = {'': 1, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18,
               Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60};

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

// "V1DaemonSet" for apps/v1 DaemonSet: how the client library names its classes.
function modelName(apiVersion, kind) {
  const version = apiVersion.split('/').pop();
  return version[0].toUpperCase() + version.slice(1) + kind;
}

export class Strict {
  static async load(modules) {
    const strict = new Strict();
    strict.modules = modules;
    strict.models = await import(
        pathToFileURL(path.join(modules, '@kubernetes/client-node/dist/gen/models/all.js')).href);
    return strict;
  }

  // Every fault of the object, a line each.
  async faults(object) {
    const faults = [];
    const {apiVersion, kind} = object;
    const model = this.models[modelName(String(apiVersion), kind)];
    const schema = path.join(this.modules, 'kubernetes-models', String(apiVersion), `${kind}.js`);
    if (!model || !fs.existsSync(schema)) return [`there is no ${kind} in ${apiVersion}`];
    this.walk(object, model.name, '', faults);
    if (faults.length === 0) {
      // Required fields and formats, which the client library's tables do not have.
      const Model = (await import(pathToFileURL(schema).href))[kind];
      try {
        new Model(object).validate();
      } catch (error) {
        faults.push(error.message);
      }
      names(object, faults);
    }
    return faults;
  }

  walk(value, type, at, faults) {
    const complain = (wanted) => faults.push(`${at || '/'}: ${JSON.stringify(value)?.slice(0, 60)} is no ${wanted}`);
    const list = /^(?:Array|Set)<(.*)>$/.exec(type);
    const map = /^\{ \[key: string\]: (.*); \}$/.exec(type);
    if (list) {
      if (!Array.isArray(value)) return complain('list');
      return value.forEach((item, index) => this.walk(item, list[1], `${at}/${index}`, faults));
    }
    if (map) {
      if (!isObject(value)) return complain('map');
      return Object.entries(value).forEach(([key, item]) => this.walk(item, map[1], `${at}/${key}`, faults));
    }
    if (type === 'IntOrString') {
      if (typeof value !== 'string' && !Number.isInteger(value)) complain('number or text');
    } else if (type === 'number') {
      if (!Number.isInteger(value)) complain('whole number');
    } else if (type === 'string' || type === 'boolean') {
      if (typeof value !== type) complain(type);
    } else if (type !== 'any' && type !== 'object' && type !== 'Date') {
      this.walkModel(value, type, at, faults, complain);
    }
  }

  walkModel(value, type, at, faults, complain) {
    const model = this.models[type];
    if (!model) return faults.push(`${at}: the client library has no type ${type}`);
    if (!isObject(value)) return complain(type);
    const fields = new Map(model.attributeTypeMap.map((field) => [field.baseName, field.type]));
    for (const [key, item] of Object.entries(value)) {
      if (!fields.has(key)) faults.push(`${at}/${key}: ${type} has no such field`);
      else this.walk(item, fields.get(key), `${at}/${key}`, faults);
    }
  }
}

// Texts whose form the schemas leave open.
function names(object, faults) {
  if (!NAME.test(object.metadata?.name ?? '')) faults.push(`/metadata/name: '${object.metadata?.name}' is no name`);
  visit(object, '', (key, value, at) => {
    if (key === 'labels' || key === 'matchLabels' || key === 'nodeSelector') checkLabels(value, at, faults);
    if (key === 'resources' && isObject(value)) checkResources(value, at, faults);
    if (key === 'sizeLimit' && !QUANTITY.test(value)) faults.push(`${at}: '${value}' is no quantity`);
    if (/^(image|mountPath)$/.test(key) && value === '') faults.push(`${at}: is empty`);
  });
}

export function visit(value, at, call) {
  if (Array.isArray(value)) value.forEach((item, index) => visit(item, `${at}/${index}`, call));
  else if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      call(key, item, `${at}/${key}`);
      visit(item, `${at}/${key}`, call);
    }
  }
}

function checkLabels(labels, at, faults) {
  for (const [key, value] of Object.entries(labels)) {
    if (!LABEL_KEY.test(key) || !LABEL_VALUE.test(value)) faults.push(`${at}: '${key}: ${value}' is no label`);
  }
}

function amount(text) {
  const unit = /[a-zA-Z]*$/.exec(text)[0];
  return unit in UNITS ? parseFloat(text) * UNITS[unit] : Number(text);
}

function checkResources(resources, at, faults) {
  for (const side of ['requests', 'limits']) {
    for (const [name, value] of Object.entries(resources[side] ?? {})) {
      if (!QUANTITY.test(value)) faults.push(`${at}/${side}/${name}: '${value}' is no quantity`);
      else if (name !== 'cpu' && value.endsWith('m')) faults.push(`${at}/${side}/${name}: '${value}' is a thousandth of a byte`);
    }
  }
  for (const [name, value] of Object.entries(resources.requests ?? {})) {
    const limit = resources.limits?.[name];
    if (limit !== undefined && amount(value) > amount(limit)) faults.push(`${at}: asks for more ${name} than its limit`);
  }
}
