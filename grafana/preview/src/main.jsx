// A dashboard of grafana/*.json on Grafana's grid, drawn from the answers in ?data=FILE. Sets window.drawn when it is done.
import { createRoot } from "react-dom/client";
import { createTheme, ThemeContext } from "@grafana/data";
import { GlobalStyles, Icon, PanelChrome, PanelContextProvider } from "@grafana/ui";
import { EventBusSrv } from "@grafana/data";
import { draw } from "./panels.jsx";

const CELL = 30, GAP = 8, COLUMNS = 24;
const theme = createTheme({ colors: { mode: "dark" } });

function Header({ dashboard, state, begin, end, width }) {
  const grey = { color: theme.colors.text.secondary };
  const box = { border: `1px solid ${theme.colors.border.medium}`, borderRadius: 2, padding: "4px 8px", marginRight: 8, background: theme.colors.background.primary };
  const clock = (seconds) => new Date(seconds * 1000).toISOString().slice(11, 16);
  const shown = dashboard.templating.list.filter((one) => one.hide !== 2 && one.type === "query");
  return (
    <div style={{ width, padding: "12px 8px 4px", boxSizing: "border-box" }}>
      <div style={{ display: "flex", justifyContent: "space-between", fontSize: 18, marginBottom: 10 }}>
        <span>{dashboard.title}</span>
        <span style={{ fontSize: 13, ...grey }}>{clock(begin)} to {clock(end)} UTC</span>
      </div>
      <div style={{ fontSize: 12 }}>
        {shown.map((one) => (
          <span key={one.name} style={box}><span style={grey}>{one.label}</span> {one.name === "namespace" ? state : "All"}</span>
        ))}
      </div>
    </div>
  );
}

function Links({ links }) {
  return links?.length ? <span style={{ padding: 4 }}><Icon name="external-link-alt" size="md" /></span> : null;
}

function Page({ answers, width }) {
  const { dashboard } = answers;
  const column = (width - GAP) / COLUMNS;
  const place = ({ x, y, w, h }) => ({
    position: "absolute",
    left: GAP + x * column,
    top: y * (CELL + GAP),
    width: w * column - GAP,
    height: h * (CELL + GAP) - GAP,
  });
  const all = dashboard.panels;
  const height = Math.max(...all.map(({ gridPos: { y, h } }) => y + h)) * (CELL + GAP);
  return (
    <div style={{ background: theme.colors.background.canvas, width, minHeight: "100vh" }}>
      <Header {...answers} width={width} />
      <div style={{ position: "relative", width, height: height + GAP }}>
        {all.map((panel) => {
          const at = place(panel.gridPos);
          if (panel.type === "row") {
            return <div key={panel.id} style={{ ...at, fontSize: 16, display: "flex", alignItems: "center" }}>⌄ {panel.title}</div>;
          }
          return (
            <div key={panel.id} style={at}>
              <PanelChrome title={panel.title} description={panel.description} titleItems={<Links links={panel.links} />} width={at.width} height={at.height} padding="md">
                {(w, h) => draw(panel, answers, w, h, theme)}
              </PanelChrome>
            </div>
          );
        })}
      </div>
    </div>
  );
}

const query = new URLSearchParams(location.search);
const answers = await (await fetch(query.get("data"))).json();
const context = { eventBus: new EventBusSrv(), eventsScope: "preview", sync: () => 0 };
document.body.style.margin = "0";
createRoot(document.getElementById("root")).render(
  <ThemeContext.Provider value={theme}>
    <GlobalStyles />
    <PanelContextProvider value={context}>
      <Page answers={answers} width={window.innerWidth} />
    </PanelContextProvider>
  </ThemeContext.Provider>,
);
setTimeout(() => { window.drawn = true; }, 1500);
