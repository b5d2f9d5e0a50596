#!/usr/bin/env bash
# Runs axe-core over pages of macfit in Chromium, in both themes and at three widths: no findings, no
# word on the console, no sideways scrolling. Needs node, npm and Chromium; installs axe-core and
# puppeteer-core into a folder that is removed. Usage: tests/validation/axe.sh path/to/macfit
set -euo pipefail

macfit=$(realpath "$1")
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >npm.log
npm install --no-audit --no-fund axe-core@4 puppeteer-core@24 >>npm.log 2>&1 || { cat npm.log; exit 2; }

"$macfit" plan --model 230b-q4 --nodes 2x128 --format html --output nominal.html
"$macfit" plan --model minimax-m2.5 --nodes 1x64+1x128 --format html --output mixed.html
"$macfit" plan --model kimi-k2 --nodes 1x64 --against 2x512 --format html --output wont-fit.html
"$macfit" plan --model minimax-m2.5 --nodes 4x64 --link tb5-rdma --split tensor --format html --output tensor.html
"$macfit" night --model llama-3.3-70b --nodes 2x128 --prompt-tokens 2000 --output-tokens 500 --format html --output night.html
"$macfit" breakeven --nodes 2x128 --link tb5-rdma --format html --output breakeven.html
"$macfit" survey --nodes 2x128 --format html --output survey.html
"$macfit" sweep --model 'qwen3*' --nodes 2x128,4x64 --context 8k..128k*2 --format html --output sweep.html

cat >check.cjs <<'JS'
const fs = require('fs');
const puppeteer = require('puppeteer-core');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
(async () => {
  const browser = await puppeteer.launch({ executablePath: process.argv[2], args: ['--no-sandbox'] });
  let wrong = 0;
  const tell = (...words) => { wrong += 1; console.log(...words); };
  for (const file of process.argv.slice(3)) {
    for (const theme of ['light', 'dark']) {
      const page = await browser.newPage();
      page.on('console', (message) => tell(file, theme, message.text()));
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
      for (const width of [1280, 768, 390]) {
        await page.setViewport({ width, height: 900 });
        await page.goto('file://' + fs.realpathSync(file));
        await page.evaluate(axe);
        const result = await page.evaluate(() => axe.run());
        for (const found of result.violations) {
          tell(file, theme, width, found.id, found.help, found.nodes[0].html);
        }
        const wide = await page.evaluate(
          () => document.documentElement.scrollWidth > document.documentElement.clientWidth);
        if (wide) tell(file, theme, width, 'wider than the window');
      }
      await page.close();
    }
    console.log(file, 'done');
  }
  await browser.close();
  process.exit(wrong ? 1 : 0);
})();
JS
node check.cjs "$browser" ./*.html
