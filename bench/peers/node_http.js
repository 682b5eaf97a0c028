// Node's own http module as a peer: node node_http.js PORT
'use strict';
const http = require('node:http');
const server = http.createServer((request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 2 });
  response.end('ok');
});
server.keepAliveTimeout = 3600 * 1000;
server.maxRequestsPerSocket = 0;
server.listen(Number(process.argv[2]), '127.0.0.1', 4096);
