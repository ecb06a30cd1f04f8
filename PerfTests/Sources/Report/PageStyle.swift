/// The page's style sheet. Light and dark by the reader's setting; on paper always light.
enum PageStyle {
    // Lines: six colours of which any two stay apart for people without one kind of cones, too (searched for: the least OKLab distance of a pair is
    // 0.14, simulated after Machado, Oliveira and Fernandes), then the same again with dashes.
    static let sheet = """
        :root {
          color-scheme: light dark;
          --page: #fbfbfa; --panel: #ffffff; --ink: #1d2126; --soft: #59626d; --faint: #8a929c; --rule: #dfe2e6; --grid: #e8eaed; --minor: #f3f4f5;
          --accent: #0b5c94; --good: #1c6b3c; --good-back: #e4f2e8; --bad: #a3301c; --bad-back: #fbe9e5; --open: #6b5a12; --open-back: #f7f0d6;
          --c0: #203bb2; --c1: #c93514; --c2: #09b49f; --c3: #8d0056; --c4: #da8a1d; --c5: #437bb2;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --page: #14171a; --panel: #1a1e22; --ink: #e4e7ea; --soft: #a2abb5; --faint: #757f8a; --rule: #30363d; --grid: #2a3036; --minor: #20252a;
            --accent: #7cbcec; --good: #7fd3a0; --good-back: #17301f; --bad: #f3957f; --bad-back: #3a1d17; --open: #e0c869; --open-back: #322c13;
            --c0: #4e71d6; --c1: #e48407; --c2: #00f6d5; --c3: #c1476f; --c4: #eed643; --c5: #73b8fe;
          }
        }
        * { box-sizing: border-box; } [hidden] { display: none; }
        body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
        main { max-width: 1080px; margin: 0 auto; padding: 40px 28px 72px; }
        h1 { font-size: 28px; line-height: 1.2; font-weight: 650; letter-spacing: -0.01em; margin: 0 0 20px; }
        h2 { font-size: 20px; line-height: 1.3; font-weight: 650; margin: 0 0 10px; }
        h3 { font-size: 15px; font-weight: 650; margin: 0 0 6px; }
        p { margin: 0 0 8px; max-width: 84ch; text-wrap: pretty; }
        a { color: var(--accent); text-decoration: none; }
        a:hover { text-decoration: underline; }
        code { font: 0.88em/1.45 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
        section { margin-top: 44px; padding-top: 26px; border-top: 1px solid var(--rule); }
        .notes { color: var(--soft); margin-bottom: 16px; }
        .faint { color: var(--faint); }

        .facts { display: grid; grid-template-columns: max-content 1fr; gap: 3px 20px; margin: 0; }
        .facts dt { color: var(--soft); }
        .facts dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
        .flag { font-weight: 600; color: var(--bad); }
        .alarm { margin: 0 0 24px; padding: 14px 18px; border: 2px solid var(--bad); border-radius: 6px; background: var(--bad-back); color: var(--bad); max-width: none; font-weight: 600; }
        nav { margin-top: 18px; font-size: 14px; }
        nav { display: flex; flex-wrap: wrap; gap: 2px 20px; }

        .scroll { overflow-x: auto; margin: 0 0 18px; border: 1px solid var(--rule); border-radius: 6px; background: var(--panel); }
        table { border-collapse: collapse; width: 100%; font-size: 14px; }
        th, td { text-align: left; vertical-align: top; padding: 7px 14px; border-top: 1px solid var(--grid); }
        thead th { border-top: 0; border-bottom: 1px solid var(--rule); font-weight: 600; font-size: 13px; color: var(--soft); white-space: nowrap; vertical-align: bottom; }
        tbody tr:first-child > * { border-top: 0; }
        tbody tr:hover > * { background: color-mix(in srgb, var(--accent) 5%, transparent); }
        tbody th { font-weight: 400; min-width: 13em; }
        .goals tbody th { width: 33%; }
        .n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
        .value { font-weight: 600; }
        .unit { color: var(--soft); font-weight: 400; }
        .n .name { white-space: normal; max-width: 17em; margin-left: auto; text-wrap: balance; }
        .sub { display: block; font-size: 12.5px; line-height: 1.45; color: var(--soft); }
        .badge { display: inline-block; padding: 0 7px; border-radius: 4px; font-size: 12.5px; line-height: 1.6; font-weight: 600; white-space: nowrap; font-variant-numeric: tabular-nums; }
        .reached { color: var(--good); background: var(--good-back); }
        .missed { color: var(--bad); background: var(--bad-back); }
        .unknown { color: var(--open); background: var(--open-back); }
        .tally { margin: 0 0 12px; color: var(--soft); }
        .tally b { color: var(--ink); }

        .settings { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr)); gap: 16px 28px; margin: 6px 0 18px; }
        .settings dl { display: grid; grid-template-columns: minmax(0, max-content) minmax(0, 1fr); gap: 1px 16px; margin: 0; font-size: 13px; }
        .settings dt { color: var(--soft); }
        .settings dd { margin: 0; }

        figure { position: relative; margin: 0 0 18px; padding: 16px 18px 14px; border: 1px solid var(--rule); border-radius: 6px; background: var(--panel); }
        figcaption { font-weight: 650; margin-bottom: 10px; }
        .drawing { display: grid; grid-template-columns: minmax(0, 1fr) 220px; gap: 4px 20px; align-items: start; }
        .plot { display: block; width: 100%; height: auto; touch-action: pan-y; }
        .plot.narrow { display: none; }
        .plot text { fill: var(--soft); font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; font-variant-numeric: tabular-nums; }
        .plot .title { fill: var(--ink); }
        .grid { stroke: var(--grid); }
        .minor { stroke: var(--minor); }
        .axis { fill: none; stroke: var(--faint); }
        .cursor { stroke: var(--faint); stroke-dasharray: 2 3; pointer-events: none; }
        .line path { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
        .dense path { stroke-width: 1; }
        .line circle, .line polygon { fill: currentColor; stroke: var(--panel); stroke-width: 1; }
        .c0 { color: var(--c0); } .c1 { color: var(--c1); } .c2 { color: var(--c2); } .c3 { color: var(--c3); } .c4 { color: var(--c4); } .c5 { color: var(--c5); }
        .d1 path { stroke-dasharray: 7 4; } .d2 path { stroke-dasharray: 1.5 4; }
        .chosen .plot .line { opacity: 0.16; } .chosen .plot .line.on { opacity: 1; } .chosen .plot .line.on path { stroke-width: 2.75; }
        .legend { list-style: none; margin: 26px 0 0; padding: 0; font-size: 13px; line-height: 1.35; }
        .legend li { display: flex; gap: 9px; align-items: center; padding: 3px 0; cursor: default; }
        .legend span { min-width: 0; overflow-wrap: anywhere; }
        .key { width: 34px; height: 12px; flex: none; }
        .tip { position: absolute; z-index: 1; pointer-events: none; padding: 8px 11px; border: 1px solid var(--rule); border-radius: 5px; background: var(--panel); box-shadow: 0 3px 14px rgb(0 0 0 / 0.16); font-size: 12.5px; line-height: 1.45; max-width: min(340px, 92%); }
        .tip table { width: auto; min-width: 100%; font-size: inherit; } .tip td { padding: 0 0 0 10px; border: 0; } .tip td:first-child { padding: 0; width: 1%; } .tip b { display: block; margin-bottom: 3px; }
        .tip .key { width: 22px; vertical-align: middle; } .tip .near td { font-weight: 650; }
        footer { margin-top: 44px; padding-top: 14px; border-top: 1px solid var(--rule); color: var(--soft); font-size: 13px; }

        @media (max-width: 900px) {
          .drawing { grid-template-columns: minmax(0, 1fr); }
          .legend { margin: 6px 0 0; display: flex; flex-wrap: wrap; gap: 2px 18px; }
        }
        @media (max-width: 620px) {
          main { padding: 22px 14px 48px; }
          h1 { font-size: 23px; }
          .facts { grid-template-columns: 1fr; gap: 0; } .facts dd { margin-bottom: 6px; }
          th, td { padding: 6px 10px; } tbody th { min-width: 10em; }
          .goals, .goals tbody { display: block; } .goals thead { display: none; }
          .goals tr { display: flex; flex-wrap: wrap; gap: 0 16px; padding: 9px 10px; border-top: 1px solid var(--grid); } .goals tr:first-child { border-top: 0; }
          .goals tbody th, .goals td { display: block; width: auto; padding: 0; border: 0; text-align: left; } .goals tbody th { flex-basis: 100%; }
          .goals td:empty { display: none; } .goals td[data-name]::before { content: attr(data-name) " "; color: var(--soft); } .goals .name { display: none; }
          figure { padding: 12px 8px 10px; }
          .plot.wide { display: none; } .plot.narrow { display: block; }
        }
        @media print {
          :root {
            color-scheme: light;
            --page: #fff; --panel: #fff; --ink: #000; --soft: #444; --faint: #777; --rule: #bbb; --grid: #ddd; --minor: #eee;
            --accent: #000; --good: #14532d; --good-back: #fff; --bad: #8a1f10; --bad-back: #fff; --open: #574808; --open-back: #fff;
            --c0: #203bb2; --c1: #c93514; --c2: #09b49f; --c3: #8d0056; --c4: #da8a1d; --c5: #437bb2;
          }
          body { font-size: 10pt; } main { max-width: none; padding: 0; } nav, .tip { display: none; }
          table { font-size: 8.5pt; } .sub, .badge { font-size: 7.5pt; } th, td { padding: 3px 7px; } tbody th { min-width: 0; } .scroll { overflow: visible; }
          section { margin-top: 22px; padding-top: 14px; } figure, tr { break-inside: avoid; } h2, h3 { break-after: avoid; }
          .drawing { grid-template-columns: minmax(0, 1fr) 150px; } .legend { display: block; }
          .plot.wide { display: block; } .plot.narrow { display: none; }
        }
        """
}
