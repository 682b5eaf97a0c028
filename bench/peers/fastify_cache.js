// Fastify and pg with a cache before the database, as their manuals would have it: node fastify_cache.js PORT lru|redis,
// with DATABASE_URL, and REDIS_URL for redis, in the environment. lru keeps the rows that it has read in this process;
// redis keeps them in Redis alone, as JSON.
'use strict';
const fastify = require('fastify');
const { Pool } = require('pg');

const text = { type: 'string' };
const user = {
  type: 'object',
  properties: { id: text, email: text, name: text, created_at: { ...text, format: 'date-time' }, updated_at: { ...text, format: 'date-time' } },
};
const sql = 'SELECT id, email, name, created_at, updated_at FROM users WHERE id = $1';
const seconds = 3000; // as long as the other servers keep a user

const database = new Pool({ connectionString: process.env.DATABASE_URL, max: 20 });
const load = async (id) => (await database.query({ name: 'find', text: sql, values: [id] })).rows[0];

function inProcess() {
  const { LRUCache } = require('lru-cache');
  return new LRUCache({ max: 100000, ttl: seconds * 1000, fetchMethod: load });
}
function inRedis() {
  const Redis = require('ioredis');
  const redis = new Redis(process.env.REDIS_URL, { enableAutoPipelining: true });
  return {
    async fetch(id) {
      const kept = await redis.get('user:' + id);
      if (kept !== null) return JSON.parse(kept);
      const row = await load(id);
      if (row !== undefined) await redis.set('user:' + id, JSON.stringify(row), 'EX', seconds);
      return row;
    },
  };
}

const cache = process.argv[3] === 'redis' ? inRedis() : inProcess();
const server = fastify({ keepAliveTimeout: 3600 * 1000 });
server.get('/users/:id', { schema: { response: { 200: user } } }, async (request, reply) => {
  const found = await cache.fetch(request.params.id);
  return found !== undefined ? found : reply.code(404).send();
});
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });
