// State timelines and heatmaps in Grafana's manner: their panels are part of its server, not of its packages.
import { getFieldDisplayName, getValueFormat, formattedValueToString } from "@grafana/data";
import { configured, seriesFrames } from "./frames.js";

const FOOT = 20;

function clock(seconds, range) {
  return new Date(seconds * 1000).toISOString().slice(11, range < 900 ? 19 : 16);
}

function Axis({ begin, end, left, width, y, theme }) {
  const count = Math.max(2, Math.floor(width / 110));
  const every = Math.ceil((end - begin) / count / 30) * 30;
  const ticks = [];
  for (let at = Math.ceil(begin / every) * every; at <= end; at += every) {
    ticks.push(at);
  }
  return ticks.map((at) => {
    const x = left + ((at - begin) / (end - begin)) * width;
    return <text key={at} x={x} y={y + 14} fontSize={11} textAnchor="middle" fill={theme.colors.text.primary}>{clock(at, end - begin)}</text>;
  });
}

// Runs of the same value; a gap ends one.
function runs(field, times, step) {
  const found = [];
  times.forEach((at, n) => {
    const last = found.at(-1);
    const value = field.values[n];
    const near = last && at - last.end <= 2 * step * 1000;
    if (value === null) {
      return;
    }
    if (near) {
      last.end = at;
    }
    if (!near || last.value !== value) {
      found.push({ value, begin: at, end: at });
    }
  });
  return found;
}

export function StateTimeline({ panel, answers, width, height, theme }) {
  const all = configured(panel, seriesFrames(panel, answers), theme);
  const frames = all.slice(0, panel.options.perPage ?? all.length);
  const { begin, end } = answers;
  const label = (frame) => getFieldDisplayName(frame.fields[1], frame, frames);
  const left = Math.min(width / 3, 16 + 6.6 * Math.max(...frames.map((frame) => label(frame).length), 4));
  const wide = width - left - 8;
  const high = (height - FOOT) / Math.max(1, frames.length);
  const x = (ms) => left + ((ms / 1000 - begin) / (end - begin)) * wide;
  return (
    <svg width={width} height={height} fontFamily={theme.typography.fontFamily}>
      {frames.map((frame, row) => (
        <g key={row}>
          <text x={left - 8} y={row * high + high / 2 + 4} textAnchor="end" fontSize={12} fill={theme.colors.text.primary}>{label(frame)}</text>
          {runs(frame.fields[1], frame.fields[0].values, answers.step).map((run, n) => {
            const shown = frame.fields[1].display(run.value);
            const long = Math.max(2, x(run.end) - x(run.begin));
            return (
              <g key={n}>
                <rect x={x(run.begin)} y={row * high + high * 0.08} width={long} height={high * 0.84} fill={shown.color} opacity={0.85} />
                {high > 12 && long > 7 * shown.text.length && (
                  <text x={x(run.begin) + 6} y={row * high + high / 2 + 4} fontSize={12} fill={theme.colors.getContrastText(shown.color)}>{shown.text}</text>
                )}
              </g>
            );
          })}
        </g>
      ))}
      <Axis begin={begin} end={end} left={left} width={wide} y={height - FOOT} theme={theme} />
    </svg>
  );
}

// d3's interpolateTurbo, by its polynomials.
function turbo(t) {
  const r = 34.61 + t * (1172.33 - t * (10793.56 - t * (33300.12 - t * (38394.49 - t * 14825.05))));
  const g = 23.31 + t * (557.33 + t * (1225.33 - t * (3574.96 - t * (1073.77 + t * 707.56))));
  const b = 27.2 + t * (3211.1 - t * (15327.97 - t * (27814 - t * (22569.18 - t * 6838.66))));
  return `rgb(${[r, g, b].map((part) => Math.max(0, Math.min(255, Math.round(part)))).join(",")})`;
}

export function Heatmap({ panel, answers, width, height, theme }) {
  const [target] = panel.targets;
  const { begin, end, step } = answers;
  const bound = (series) => (series.metric.le === "+Inf" ? Infinity : Number(series.metric.le));
  const rows = answers.data[panel.id][target.refId].slice().sort((one, other) => bound(one) - bound(other));
  const cells = [];
  rows.forEach((series, row) => {
    const below = new Map(row ? rows[row - 1].values : []);
    // As wide as 100 columns: the step of the answers is finer.
    const every = step * Math.ceil((end - begin) / 100 / step);
    for (const [at, text] of series.values) {
      const count = Number(text) - Number(below.get(at) ?? 0);
      if (count > 1e-9 && Math.round(at - begin) % every < step) {
        cells.push({ at, row, count, every });
      }
    }
  });
  if (!cells.length) {
    return <svg width={width} height={height} />;
  }
  const used = cells.map(({ row }) => row);
  const first = Math.max(0, Math.min(...used) - 1), last = Math.min(rows.length - 1, Math.max(...used) + 1);
  const most = Math.max(...cells.map(({ count }) => count));
  const format = getValueFormat(panel.options.yAxis.unit);
  const left = 62, wide = width - left - 8, high = (height - FOOT - 8) / (last - first + 1);
  return (
    <svg width={width} height={height} fontFamily={theme.typography.fontFamily}>
      {rows.slice(first, last + 1).map((series, n) => (
        <text key={n} x={left - 8} y={height - FOOT - (n + 1) * high + 4} textAnchor="end" fontSize={11} fill={theme.colors.text.primary}>
          {Number.isFinite(bound(series)) ? formattedValueToString(format(bound(series))) : "∞"}
        </text>
      ))}
      {cells.map(({ at, row, count, every }, n) => (
        <rect key={n} x={left + ((at - begin) / (end - begin)) * wide} y={height - FOOT - (row - first + 1) * high}
          width={Math.max(1, (every / (end - begin)) * wide - 1)} height={Math.max(1, high - 1)} fill={turbo(Math.sqrt(count / most))} />
      ))}
      <Axis begin={begin} end={end} left={left} width={wide} y={height - FOOT} theme={theme} />
    </svg>
  );
}
