// Fastify, pg and lru-cache as a peer for bench/arena's items, as their manuals would have it: schemas for what comes and
// goes, statements with names, a pool of 20. An item is kept for 200 ms, as there. node fastify_crud.js PORT, with
// DATABASE_URL in the environment and the packages on NODE_PATH.
'use strict';
const fastify = require('fastify');
const { Pool } = require('pg');
const { LRUCache } = require('lru-cache');

const text = { type: 'string' };
const whole = { type: 'integer' };
const object = (properties) => ({ type: 'object', properties, required: Object.keys(properties) });
const item = object({
  id: whole, name: text, category: text, price: whole, quantity: whole, active: { type: 'boolean' },
  tags: { type: 'array', items: text }, rating: object({ score: whole, count: whole }),
});
const change = object({ name: text, price: whole, quantity: whole });
const page = object({ items: { type: 'array', items: item }, total: whole, page: whole, limit: whole });
const byId = { type: 'object', properties: { id: whole } };
const wanted = {
  type: 'object',
  properties: {
    category: { ...text, default: 'electronics' }, page: { ...whole, minimum: 1, default: 1 },
    limit: { ...whole, minimum: 1, maximum: 50, default: 10 },
  },
};

const columns = 'id, name, category, price, quantity, active, tags, rating_score, rating_count';
const find = { name: 'find', text: `SELECT ${columns} FROM items WHERE id = $1` };
const list = { name: 'list', text: `SELECT ${columns} FROM items WHERE category = $1 ORDER BY id LIMIT $2 OFFSET $3` };
const update = { name: 'update', text: 'UPDATE items SET name = $2, price = $3, quantity = $4 WHERE id = $1' };
const upsert = {
  name: 'upsert',
  text: `INSERT INTO items (${columns}) VALUES ($1, $2, $3, $4, $5, true, '[]', 0, 0)
    ON CONFLICT (id) DO UPDATE SET name = $2, category = $3, price = $4, quantity = $5 RETURNING ${columns}`,
};

const database = new Pool({ connectionString: process.env.DATABASE_URL, max: 20 });
const query = (statement, ...values) => database.query({ ...statement, values });
const itemOf = ({ rating_score: score, rating_count: count, ...rest }) => ({ ...rest, rating: { score, count } });
const load = async (id) => (await query(find, id)).rows.map(itemOf)[0];
// Who asks while an item is being changed gets what he waited for.
const kept = new LRUCache({ max: 100000, ttl: 200, fetchMethod: load, ignoreFetchAbort: true });

const server = fastify({ keepAliveTimeout: 3600 * 1000 });
server.get('/crud/items/:id', { schema: { params: byId, response: { 200: item } } }, async ({ params: { id } }, reply) => {
  const status = {};
  const found = await kept.fetch(id, { status });
  reply.header('X-Cache', status.fetch === 'hit' ? 'HIT' : 'MISS');
  return found !== undefined ? found : reply.code(404).send();
});
server.get('/crud/items', { schema: { querystring: wanted, response: { 200: page } } }, async ({ query: { category, page: at, limit } }) => {
  const items = (await query(list, category, limit, (at - 1) * limit)).rows.map(itemOf);
  return { items, total: items.length, page: at, limit };
});
server.post('/crud/items', { schema: { body: object({ id: whole, category: text, ...change.properties }), response: { 201: item } } },
  async ({ body }, reply) => {
    const made = await query(upsert, body.id, body.name, body.category, body.price, body.quantity);
    kept.delete(body.id);
    return reply.code(201).send(itemOf(made.rows[0]));
  });
server.put('/crud/items/:id', { schema: { params: byId, body: change, response: { 200: object({ id: whole, ...change.properties }) } } },
  async ({ params: { id }, body }, reply) => {
    const done = await query(update, id, body.name, body.price, body.quantity);
    kept.delete(id);
    return done.rowCount === 1 ? { id, ...body } : reply.code(404).send();
  });
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });
