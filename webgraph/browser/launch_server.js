// Starts one browser that several clients connect to, each with contexts of its own.
//
// `node launch_server.js FOLDER_OF_THE_DRIVER'S_PACKAGE`. The first line of standard input says how, as JSON for
// Playwright's `launchServer`: the secret path of the address is in no argument and no file. The first line of standard
// output answers `{"endpoint"}` or `{"error"}`. When standard input ends, the browser is ended and so is this program.
'use strict';

const http = require('http');
const path = require('path');
const readline = require('readline');

// Playwright's server tells its secret path to whoever asks for `/json`. Nobody is told anything here: only the upgrade
// to a WebSocket, which names the path, is served.
const createServer = http.createServer;
http.createServer = (...given) => {
  const options = given.find((value) => typeof value === 'object') || {};
  return createServer.call(http, options, (_request, response) => {
    response.statusCode = 404;
    response.end();
  });
};

const { chromium } = require(path.join(process.argv[2], 'index.js'));

function answer(words) {
  process.stdout.write(`${JSON.stringify(words)}\n`);
}

async function serve(options) {
  const server = await chromium.launchServer(options);
  // The browser is gone, and with it what this program is for: whoever started it starts another.
  server.on('close', () => process.exit(1));
  lines.on('close', () => server.kill().finally(() => process.exit(0)));
  answer({ endpoint: server.wsEndpoint() });
}

const lines = readline.createInterface({ input: process.stdin });
lines.once('line', (line) => {
  serve(JSON.parse(line)).catch((error) => {
    answer({ error: String(error.message).split('\n')[0] });
    process.exit(1);
  });
});
