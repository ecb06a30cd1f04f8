/// Reads values out under the pointer and picks lines by the legend. Without it everything is still there but the read-out.
enum PageScript {
    // Texts of the report go into the page as textContent, never as HTML.
    static let source = #"""
        "use strict";
        for (const figure of document.querySelectorAll("figure")) {
          const data = JSON.parse(figure.querySelector("script").textContent);
          const tip = figure.appendChild(document.createElement("div"));
          tip.className = "tip";
          tip.hidden = true;

          const number = v => {
            const size = Math.abs(v);
            if (v === 0 || size >= 1e15 || size < 1e-6) return v === 0 ? "0" : v.toExponential(2);
            if (size < 1000 && Number.isInteger(v)) return String(v);
            return v.toLocaleString("en-US", { maximumSignificantDigits: size >= 1000 ? 4 : 3 });
          };
          const text = (axis, v) => {
            // Two digits of the distance from 100: 99.934 %.
            if (axis.scale === "percentile") return v >= 100 ? "max" : Number(v.toFixed(Math.max(1, Math.ceil(-Math.log10(100 - v)) + 1))) + " %";
            return number(v) + (axis.unit ? " " + (axis.unit === "us" ? "µs" : axis.unit) : "");
          };
          const scale = attribute => {
            const [kind, ...rest] = attribute.split(" ");
            const [low, high, from, to, edge] = rest.map(Number);
            return v => {
              const position = kind === "linear" ? v
                : kind === "logarithmic" ? (v > 0 ? Math.log10(v) : NaN)
                : v >= 100 ? edge : Math.min(9, -Math.log10(1 - v / 100));
              return from + (position - low) / (high - low) * (to - from);
            };
          };
          const choose = line => {
            figure.classList.toggle("chosen", line !== null);
            for (const one of figure.querySelectorAll(".plot .line")) one.classList.toggle("on", one.dataset.line === line);
          };
          for (const entry of figure.querySelectorAll(".legend li")) {
            entry.addEventListener("pointerenter", () => choose(entry.dataset.line));
            entry.addEventListener("pointerleave", () => choose(null));
          }

          for (const svg of figure.querySelectorAll(".plot")) {
            const cursor = svg.querySelector(".cursor");
            const across = scale(svg.dataset.x), down = scale(svg.dataset.y);
            const hide = () => { tip.hidden = true; cursor.setAttribute("hidden", ""); choose(null); };
            const show = event => {
              const box = svg.getBoundingClientRect();
              const zoom = svg.viewBox.baseVal.width / box.width;
              const x = (event.clientX - box.left) * zoom, y = (event.clientY - box.top) * zoom;
              // Of each line the point nearest by x; the cursor goes to the nearest of all.
              const found = [];
              data.lines.forEach((line, place) => {
                let best = null;
                for (const [px, py] of line.points) {
                  const far = Math.abs(across(px) - x);
                  if (Number.isFinite(down(py)) && (best === null || far < best.far)) best = { place, name: line.name, px, py, far };
                }
                if (best) found.push(best);
              });
              if (found.length === 0) return hide();
              const nearest = found.reduce((a, b) => (b.far < a.far ? b : a));
              const at = across(nearest.px);
              const rows = found.filter(one => Math.abs(across(one.px) - at) <= 12).sort((a, b) => b.py - a.py);
              const close = rows.reduce((a, b) => (Math.abs(down(b.py) - y) < Math.abs(down(a.py) - y) ? b : a));

              cursor.removeAttribute("hidden");
              cursor.setAttribute("x1", at);
              cursor.setAttribute("x2", at);
              tip.replaceChildren();
              const head = tip.appendChild(document.createElement("b"));
              head.textContent = data.x.title + (data.x.title ? ": " : "") + text(data.x, nearest.px);
              const table = tip.appendChild(document.createElement("table"));
              for (const one of rows) {
                const row = table.insertRow();
                if (one === close && rows.length > 1) row.className = "near";
                row.insertCell().appendChild(figure.querySelectorAll(".legend .key")[one.place].cloneNode(true));
                row.insertCell().textContent = one.name;
                const cell = row.insertCell();
                cell.className = "n";
                cell.textContent = text(data.y, one.py) + (one.px === nearest.px ? "" : " at " + text(data.x, one.px));
              }
              choose(rows.length > 1 && Math.abs(down(close.py) - y) < 14 ? String(close.place) : null);

              tip.hidden = false;
              const frame = figure.getBoundingClientRect();
              const px = box.left - frame.left + at / zoom;
              const left = px + 14 + tip.offsetWidth < frame.width - 6 ? px + 14 : px - 14 - tip.offsetWidth;
              const top = event.clientY - frame.top - tip.offsetHeight / 2;
              tip.style.left = Math.max(6, Math.min(left, frame.width - tip.offsetWidth - 6)) + "px";
              tip.style.top = Math.max(6, Math.min(top, frame.height - tip.offsetHeight - 6)) + "px";
            };
            svg.addEventListener("pointermove", show);
            svg.addEventListener("pointerdown", show);
            svg.addEventListener("pointerleave", hide);
          }
        }
        """#
}
