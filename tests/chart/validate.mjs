// node validate.mjs NODE_MODULES < objects.json: check custom resources against the schemas of their operators.
// Prints a line for each mistake. The compiled schemas pass over unknown fields; but what they know they read, so a field that
// was never read is unknown.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const PACKAGES = { "monitoring.coreos.com": "prometheus-operator", "keda.sh": "keda", "networking.istio.io": "istio" };

function watched(value, path, unread) {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((item, index) => watched(item, `${path}/${index}`, unread));
  const children = {};
  for (const [key, child] of Object.entries(value)) {
    children[key] = watched(child, `${path}/${key}`, unread);
    unread.add(`${path}/${key}`);
  }
  return new Proxy(children, {
    get(target, key) {
      unread.delete(`${path}/${String(key)}`);
      return target[key];
    },
  });
}

for (const { where, object } of JSON.parse(readFileSync(0, "utf8"))) {
  const [group, version] = object.apiVersion.split("/");
  const folder = `${process.argv[2]}/@kubernetes-models/${PACKAGES[group]}`;
  const model = readFileSync(`${folder}/${group}/${version}/${object.kind}.js`, "utf8");
  const { validate } = await import(pathToFileURL(`${folder}/_schemas/${model.match(/_schemas\/(\w+\.js)/)[1]}`));
  const unread = new Set();
  if (!validate(watched(object, "", unread))) {
    for (const error of validate.errors) console.log(`${where}: ${object.kind}: ${error.instancePath} ${JSON.stringify(error.params)}`);
  }
  for (const field of unread) console.log(`${where}: ${object.kind}: ${field} is unknown`);
}
