// Fastify and pg as a peer for GET /users/{id}, as their manuals would have it: a schema for the answer, a statement with
// a name, a pool of 20. node fastify_pg.js PORT, with DATABASE_URL in the environment and both packages on NODE_PATH.
'use strict';
const fastify = require('fastify');
const { Pool } = require('pg');

const text = { type: 'string' };
const user = {
  type: 'object',
  properties: { id: text, email: text, name: text, created_at: { ...text, format: 'date-time' }, updated_at: { ...text, format: 'date-time' } },
};
const sql = 'SELECT id, email, name, created_at, updated_at FROM users WHERE id = $1';

const database = new Pool({ connectionString: process.env.DATABASE_URL, max: 20 });
const server = fastify({ keepAliveTimeout: 3600 * 1000 });
server.get('/users/:id', { schema: { response: { 200: user } } }, async (request, reply) => {
  const found = await database.query({ name: 'find', text: sql, values: [request.params.id] });
  return found.rows.length === 1 ? found.rows[0] : reply.code(404).send();
});
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });
