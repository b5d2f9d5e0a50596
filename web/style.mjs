// node web/style.mjs FOLDER: writes the reports' own style beside the page, FOLDER/report.css.

import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {loadEngine} from './test/engine.mjs';

const [folder] = process.argv.slice(2);
const ask = await loadEngine(folder);
writeFileSync(join(folder, 'report.css'), JSON.parse(ask({ask: 'style'})).answer);
