// A real Lighthouse CI server on a port of 127.0.0.1. Its tables are in SQLite, by Node's own engine: the `sqlite3`
// package would be compiled for minutes. What Sequelize asks of that package is below, over `node:sqlite`.
const { createRequire } = require("node:module");
const { DatabaseSync } = require("node:sqlite");

class Database {
  constructor(path, mode, opened) {
    this.filename = path;
    this.database = new DatabaseSync(path);
    setImmediate(() => opened(null));
  }
  serialize(work) { work(); }
  run(sql, ...rest) { return this.#call(sql, rest, (statement, given) => {
    const done = statement.run(...given);
    return [{ lastID: Number(done.lastInsertRowid), changes: Number(done.changes) }, undefined];
  }); }
  all(sql, ...rest) { return this.#call(sql, rest, (statement, given) => [{}, statement.all(...given)]); }
  exec(sql, done) { this.run(sql, done); }
  close(done) { this.database.close(); if (done) done(null); }
  #call(sql, rest, work) {
    const done = typeof rest.at(-1) === "function" ? rest.pop() : () => {};
    const values = rest[0] ?? [];
    const given = Array.isArray(values) ? values.map(plain) : [Object.fromEntries(Object.entries(values).map(([k, v]) => [k, plain(v)]))];
    let answer;
    try {
      answer = [null, ...work(this.database.prepare(sql), given)];
    } catch (error) {
      error.code = error.errcode === 1555 || error.errcode === 2067 ? "SQLITE_CONSTRAINT" : "SQLITE_ERROR";
      answer = [error, {}, undefined];
    }
    const [error, about, rows] = answer;
    setImmediate(() => done.call(about, error, rows));
    return this;
  }
}

function plain(value) {
  if (typeof value === "boolean") return Number(value);
  return value instanceof Date ? value.toISOString() : value ?? null;
}

const [folder, database, password] = process.argv.slice(2);
const { createServer } = createRequire(`${folder}/`)("@lhci/server");
createServer({
  port: 0,
  host: "127.0.0.1",
  logLevel: "silent",
  storage: {
    storageMethod: "sql",
    sqlDialect: "sqlite",
    sqlDatabasePath: database,
    sequelizeOptions: { dialectModule: { Database, OPEN_READWRITE: 2, OPEN_CREATE: 4 } },
  },
  ...(password ? { basicAuth: { username: "lhci", password } } : {}),
}).then((server) => console.log(JSON.stringify({ port: server.port })));
