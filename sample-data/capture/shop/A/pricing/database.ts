import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import initSqlJs from 'sql.js';

type Value = string | number | null;
export type Row = Record<string, Value>;

const tracer = trace.getTracer('pricing');

/** SQLite, with one span a query. */
export async function openDatabase() {
  const sqlite = new (await initSqlJs()).Database();

  function rows(sql: string, values: Value[]): Row[] {
    const statement = sqlite.prepare(sql);
    try {
      statement.bind(values);
      const found: Row[] = [];
      while (statement.step()) found.push(statement.getAsObject() as Row);
      return found;
    } finally {
      statement.free();
    }
  }

  function select(sql: string, values: Value[] = []): Row[] {
    const table = [...sql.matchAll(/\bfrom (\w+)/g)].at(-1)?.[1] ?? 'shop';
    const attributes = {
      'db.system.name': 'sqlite',
      'db.namespace': 'shop',
      'db.operation.name': 'SELECT',
      'db.collection.name': table,
      'db.query.text': sql,
    };
    return tracer.startActiveSpan(`SELECT ${table}`, { kind: SpanKind.CLIENT, attributes }, (span) => {
      try {
        const found = rows(sql, values);
        span.setAttribute('db.response.returned_rows', found.length);
        return found;
      } catch (error) {
        const { name, message } = error as Error;
        span.recordException({ name, message });
        span.setStatus({ code: SpanStatusCode.ERROR, message });
        throw error;
      } finally {
        span.end();
      }
    });
  }

  return { run: (sql: string, values: Value[] = []) => void sqlite.run(sql, values), select };
}

export type Database = Awaited<ReturnType<typeof openDatabase>>;
