// Prometheus' answers as Grafana's data frames, with the panel's field options laid over them.
import { FieldType, getDisplayProcessor, getFieldDisplayName, MutableDataFrame, standardTransformers, standardTransformersRegistry, toDataFrame, transformDataFrame } from "@grafana/data";
import { firstValueFrom } from "rxjs";

// Some are exported twice, which the registry refuses.
const transformers = new Map(Object.values(standardTransformers).map((one) => [one.id, one]));
standardTransformersRegistry.setInit(() => [...transformers.values()].map((transformation) => ({
  id: transformation.id, name: transformation.name, transformation: async () => transformation, aliasIds: transformation.aliasIds,
})));

const number = (text) => (text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text));

function legend(format, labels) {
  if (!format || format === "__auto") {
    return undefined;
  }
  return format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? "");
}

// Where a series has no value for a step, or none that is a number, Grafana's lines end.
function onGrid(values, { begin, end, step }) {
  const known = new Map(values.map(([at, text]) => [Math.round((at - begin) / step), number(text)]));
  const count = Math.floor((end - begin) / step) + 1;
  return Array.from({ length: count }, (_, n) => [begin + n * step, known.get(n) || known.get(n) === 0 ? known.get(n) : null]);
}

// Series over time, or a single point of each: a frame a series.
export function seriesFrames(panel, answers) {
  return panel.targets.flatMap((target) =>
    answers.data[panel.id][target.refId].map((series) => {
      const points = series.values ? onGrid(series.values, answers) : [[series.value[0], number(series.value[1])]];
      const name = legend(target.legendFormat, series.metric);
      const frame = toDataFrame({
        refId: target.refId,
        fields: [
          { name: "Time", type: FieldType.time, values: points.map(([at]) => at * 1000), config: { interval: answers.step * 1000 } },
          { name: "Value", type: FieldType.number, labels: series.metric, values: points.map(([, value]) => value), config: name ? { displayNameFromDS: name } : {} },
        ],
      });
      return frame;
    }),
  );
}

// Instant answers as tables, as the data source gives them with format "table"; then the panel's own transformations.
export async function tableFrame(panel, answers) {
  const several = panel.targets.length > 1;
  const tables = panel.targets.map((target) => {
    const rows = answers.data[panel.id][target.refId];
    const labels = [...new Set(rows.flatMap((row) => Object.keys(row.metric)))].filter((name) => name !== "__name__");
    return toDataFrame({
      refId: target.refId,
      fields: [
        { name: "Time", type: FieldType.time, values: rows.map((row) => row.value[0] * 1000) },
        ...labels.map((label) => ({ name: label, type: FieldType.string, values: rows.map((row) => row.metric[label] ?? "") })),
        { name: several ? `Value #${target.refId}` : "Value", type: FieldType.number, values: rows.map((row) => number(row.value[1])) },
      ],
    });
  }).filter((table) => table.length > 0);
  if (!tables.length) {
    return undefined;
  }
  const [frame] = await firstValueFrom(transformDataFrame(panel.transformations ?? [], tables));
  return frame;
}

function put(config, id, value) {
  const path = id.split(".");
  const last = path.pop();
  let place = config;
  for (const part of path) {
    place[part] = { ...(place[part] ?? {}) };
    place = place[part];
  }
  place[last] = value;
}

// Defaults and overrides of the panel become those of its fields; each field can show its values.
export function configured(panel, frames, theme) {
  let index = 0;
  for (const frame of frames) {
    for (const field of frame.fields) {
      if (field.type === FieldType.time) {
        field.display = getDisplayProcessor({ field, theme, timeZone: "utc" });
        continue;
      }
      const name = getFieldDisplayName(field, frame, frames);
      const config = { ...structuredClone(panel.fieldConfig.defaults), ...field.config };
      for (const { matcher, properties } of panel.fieldConfig.overrides) {
        if (matcher.id === "byRegexp" ? new RegExp(matcher.options.slice(1, -1)).test(name) : matcher.options === name) {
          properties.forEach(({ id, value }) => put(config, id, value));
        }
      }
      // Grafana's first step has no lower end.
      const steps = config.thresholds?.steps?.map((step) => ({ ...step, value: step.value ?? -Infinity }));
      field.config = { ...config, custom: config.custom ?? {}, thresholds: { ...config.thresholds, steps } };
      field.state = { ...field.state, seriesIndex: index++, displayName: name };
      field.display = getDisplayProcessor({ field, theme, timeZone: "utc" });
    }
  }
  return frames;
}

export { MutableDataFrame };
