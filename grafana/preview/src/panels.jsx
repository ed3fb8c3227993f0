// Each kind of panel with Grafana's own component. Two kinds are not in its packages, only in its server: state timelines and
// heatmaps are drawn by own.jsx.
import { useEffect, useState } from "react";
import { dateTime, FieldType, getFieldDisplayName, VizOrientation } from "@grafana/data";
import { BarGauge, BigValue, Table, TimeSeries, VizRepeater } from "@grafana/ui";
import { configured, seriesFrames, tableFrame } from "./frames.js";
import { Heatmap, StateTimeline } from "./own.jsx";

function range({ begin, end }) {
  const from = dateTime(begin * 1000), to = dateTime(end * 1000);
  return { from, to, raw: { from, to } };
}

export function Nothing({ text = "No data", width, height }) {
  return <div style={{ width, height, display: "flex", alignItems: "center", justifyContent: "center", opacity: 0.75 }}>{text}</div>;
}

// The annotations as dashed lines, as Grafana draws their begin.
function marks({ notes, step }, theme) {
  const found = notes.flatMap(({ iconColor, result }) =>
    result.flatMap(({ values }) => {
      const begins = values.filter(([at], n) => n === 0 || at - values[n - 1][0] > 3 * step);
      return begins.map(([at]) => [at * 1000, theme.visualization.getColorByName(iconColor)]);
    }),
  );
  return (builder) => {
    builder.addHook("draw", (u) => {
      for (const [at, color] of found) {
        const x = Math.round(u.valToPos(at, "x", true));
        if (x < u.bbox.left) {
          continue;
        }
        u.ctx.save();
        u.ctx.strokeStyle = u.ctx.fillStyle = color;
        u.ctx.setLineDash([4, 4]);
        u.ctx.beginPath();
        u.ctx.moveTo(x, u.bbox.top);
        u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
        u.ctx.stroke();
        u.ctx.beginPath();
        u.ctx.moveTo(x - 5, u.bbox.top + u.bbox.height + 7);
        u.ctx.lineTo(x + 5, u.bbox.top + u.bbox.height + 7);
        u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
        u.ctx.fill();
        u.ctx.restore();
      }
    });
    return null;
  };
}

function Lines({ panel, answers, width, height, theme }) {
  const [frames] = useState(() => configured(panel, seriesFrames(panel, answers), theme));
  const [drawMarks] = useState(() => marks(answers, theme));
  if (!frames.length) {
    return <Nothing text={panel.fieldConfig.defaults.noValue} width={width} height={height} />;
  }
  return (
    <TimeSeries frames={frames} width={width} height={height} timeRange={range(answers)} timeZone="utc" legend={panel.options.legend}>
      {drawMarks}
    </TimeSeries>
  );
}

// The last value of each series, as the panel's reduceOptions ask.
function values(panel, answers, theme) {
  const frames = configured(panel, seriesFrames(panel, answers), theme);
  return frames.map((frame) => {
    const field = frame.fields[1];
    const numbers = field.values.filter((value) => value !== null && !Number.isNaN(value));
    const display = numbers.length ? field.display(numbers.at(-1)) : { ...field.display(null), text: field.config.noValue ?? "-", numeric: NaN };
    return { display: { ...display, title: getFieldDisplayName(field, frame, frames) }, field, frame };
  });
}

function nothing(panel, theme) {
  const field = { name: "Value", type: FieldType.number, config: {}, values: [] };
  const [frame] = configured(panel, [{ fields: [field], length: 0 }], theme);
  return [{ display: { ...field.display(null), text: panel.fieldConfig.defaults.noValue ?? "No data", numeric: NaN, title: "" }, field, frame }];
}

function Stats({ panel, answers, width, height, theme }) {
  const found = values(panel, answers, theme);
  const all = found.length ? found : nothing(panel, theme);
  const { colorMode, graphMode, justifyMode, orientation, textMode, text } = panel.options;
  return (
    <VizRepeater
      getValues={() => all} width={width} height={height} source={answers} renderCounter={1} autoGrid={orientation === "auto"}
      orientation={orientation === "auto" ? VizOrientation.Auto : orientation}
      renderValue={({ value, width: w, height: h, count }) => (
        <BigValue value={textMode === "value" && count === 1 ? { ...value.display, title: undefined } : value.display} width={w} height={h}
          colorMode={colorMode} graphMode={graphMode} justifyMode={justifyMode} textMode={textMode} text={text} theme={theme} count={count}
          sparkline={value.frame.length > 1 ? { y: value.field, x: value.frame.fields[0] } : undefined} />
      )}
    />
  );
}

function Bars({ panel, answers, width, height, theme }) {
  const all = values(panel, answers, theme);
  if (!all.length) {
    return <Nothing text={panel.fieldConfig.defaults.noValue} width={width} height={height} />;
  }
  const top = Math.max(...all.map(({ display }) => display.numeric), 1e-9);
  all.forEach(({ field }) => { field.config.max ??= top; field.config.min ??= 0; });
  return (
    <VizRepeater
      getValues={() => all} width={width} height={height} source={answers} renderCounter={1}
      orientation={VizOrientation.Horizontal} minVizHeight={16} maxVizHeight={40}
      renderValue={({ value, width: w, height: h }) => (
        <BarGauge value={value.display} width={w} height={h} orientation={VizOrientation.Horizontal} displayMode={panel.options.displayMode} namePlacement={panel.options.namePlacement}
          field={value.field.config} display={value.field.display} theme={theme} showUnfilled itemSpacing={10} lcdCellWidth={12} />
      )}
    />
  );
}

function Rows({ panel, answers, width, height, theme }) {
  const [frame, setFrame] = useState(null);
  useEffect(() => {
    tableFrame(panel, answers).then((made) => setFrame(made ? configured(panel, [made], theme)[0] : undefined));
  }, []);
  if (frame === null) {
    return null;
  }
  if (frame === undefined) {
    return <Nothing text={panel.fieldConfig.defaults.noValue} width={width} height={height} />;
  }
  const [sorted] = panel.options.sortBy ?? [];
  return <Table data={frame} width={width} height={height} initialSortBy={sorted ? [sorted] : undefined} cellHeight="sm" timeRange={range(answers)} />;
}

const KINDS = { timeseries: Lines, stat: Stats, bargauge: Bars, table: Rows, heatmap: Heatmap, "state-timeline": StateTimeline };

export function draw(panel, answers, width, height, theme) {
  const Kind = KINDS[panel.type];
  return <Kind panel={panel} answers={answers} width={width} height={height} theme={theme} />;
}
