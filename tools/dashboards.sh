#!/usr/bin/env bash
# What `make dashboards-preview` draws with. All of it goes to .cache/dashboards; later calls cost nothing.
#   dashboards.sh install             npm packages of Grafana, playwright; Chromium must be there
#   dashboards.sh draw FOLDER [PART]  FOLDER/data/*.json -> FOLDER/*.png (those with PART in their names)
#   dashboards.sh pictures FOLDER     the best of them, small, to docs/pictures
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD/.cache/dashboards
page=grafana/preview

install() {
  for program in node npm python3 chromium; do
    command -v "$program" >/dev/null || { echo "dashboards: $program is not installed" >&2; exit 1; }
  done
  mkdir -p "$root"
  if ! cmp -s "$page/package.json" "$root/package.json"; then
    echo "dashboards: Grafana's packages (half a minute, 440 MB)" >&2
    cp "$page/package.json" "$root/package.json"
    nice -n 5 npm install --prefix "$root" --silent --no-audit --no-fund --ignore-scripts --legacy-peer-deps >/dev/null \
      || { rm -f "$root/package.json"; exit 1; }
  fi
  [ -x "$root/venv/bin/playwright" ] || {
    python3 -m venv "$root/venv"
    "$root/venv/bin/python" -m pip --disable-pip-version-check -q install playwright==1.65.0 pillow==12.0.0
  }
}

build() { # the page, where its source or its packages are others than last time
  cmp -s "$page/package.json" "$root/built/package.json" && diff -rq "$page" "$root/page" >/dev/null && return
  # The page's source beside the packages that it imports.
  rm -rf "$root/page" "$root/built" && cp -r "$page" "$root/page"
  (cd "$root/page" && nice -n 5 node ../node_modules/vite/bin/vite.js build --logLevel error --outDir "$root/built" --emptyOutDir)
  cp "$page/package.json" "$root/built/"
}

draw() {
  install
  build
  mkdir -p "$1"
  cp -r "$root/built/." "$1/"
  # Where the components look for their icons and their font.
  mkdir -p "$1/public/build" "$1/public/fonts/inter"
  cp -r "$root/node_modules/@grafana/ui/dist/public/img" "$1/public/build/"
  cp "$root/node_modules/@fontsource/inter/files/inter-latin-400-normal.woff2" "$1/public/fonts/inter/Inter-Regular.woff2"
  cp "$root/node_modules/@fontsource/inter/files/inter-latin-500-normal.woff2" "$1/public/fonts/inter/Inter-Medium.woff2"
  nice -n 5 "$root/venv/bin/python" "$page/shots.py" "$1" "${2:-}"
}

case ${1:-} in
  install) install ;;
  pictures) install && "$root/venv/bin/python" "$page/pictures.py" "$2" docs/pictures ;;
  draw) draw "$2" "${3:-}" ;;
  *) sed -n '2,6s/^# *//p' "$0" >&2; exit 64 ;;
esac
