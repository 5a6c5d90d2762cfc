import { EntitySchema } from '@mikro-orm/core';

/** A row with a column of each type whose values are easily written back otherwise than they were. */
export class Paper {
  id!: string;
  shape!: number;
  title!: string | null;
  amount!: string;
  at!: Date;
  bytes!: Buffer;
  body!: Record<string, unknown>;
  tags!: string[];
  ref!: string;
  mood!: string;
  note!: string | null;
  numbers!: number[] | null;
  touched!: Date;
  version!: number;
}

export const PaperSchema = new EntitySchema<Paper>({
  class: Paper,
  tableName: 'papers',
  properties: {
    id: { type: 'bigint', primary: true },
    shape: { type: 'integer' },
    title: { type: 'text', nullable: true },
    amount: { type: 'decimal' },
    at: { type: 'datetime', length: 6 },
    bytes: { type: 'blob' },
    body: { type: 'json' },
    tags: { type: 'array' },
    ref: { type: 'uuid' },
    mood: { type: 'string' },
    note: { type: 'text', nullable: true },
    numbers: { type: 'array', columnType: 'numeric[]', nullable: true },
    touched: { type: 'datetime', length: 6, onUpdate: () => new Date() },
    version: { type: 'integer', version: true },
  },
});

/** `odd` columns are not mapped: a trigger or the database writes them. */
export const CREATE_PAPERS = `
  CREATE TYPE mood AS ENUM ('glad', 'sad');
  CREATE TABLE papers (
    id bigint PRIMARY KEY, shape int NOT NULL, title text, amount numeric(30, 10) NOT NULL, at timestamptz(6) NOT NULL,
    bytes bytea NOT NULL, body jsonb NOT NULL, tags text[] NOT NULL, touched timestamptz(6) NOT NULL, version int NOT NULL,
    odd_json json NOT NULL, odd_char char(5) NOT NULL, odd_mood mood NOT NULL, odd_float float8 NOT NULL,
    odd_interval interval NOT NULL, odd_writes int NOT NULL DEFAULT 0,
    ref uuid NOT NULL, mood mood NOT NULL, note text, numbers numeric[],
    odd_sum numeric GENERATED ALWAYS AS (amount * 2) STORED
  );
  CREATE FUNCTION count_writes() RETURNS trigger AS $$
  BEGIN
    IF NEW.odd_writes = OLD.odd_writes THEN NEW.odd_writes := OLD.odd_writes + 1; END IF;
    RETURN NEW;
  END $$ LANGUAGE plpgsql;
  CREATE TRIGGER count_writes BEFORE UPDATE ON papers FOR EACH ROW EXECUTE FUNCTION count_writes();
`;

/** Fills the table with rows of these numbers, with ids beyond 2^53. */
export const FILL_PAPERS = `
  INSERT INTO papers SELECT 9007199254740993 + g, 1, CASE WHEN g % 3 = 0 THEN NULL ELSE 'it''s "' || g || E'" ?\\\\' END,
    123456789012345678.1000000000 + g, '2026-01-02 03:04:05.678901+00'::timestamptz + g * interval '1 microsecond',
    decode('00ff27' || lpad(to_hex(g), 8, '0'), 'hex'), jsonb_build_object('n', 12345678901234567890, 'g', g), ARRAY['a,b', '{', NULL],
    '2026-01-01 00:00:00.000001+00', 1, '{"b" : 1,  "a": 1, "a": 2}', 'ab', 'sad', 0.1 + g, '1 mon 2 days 00:00:00.000001', 0,
    ('A0EEBC99-9C0B-4EF8-BB6D-' || lpad(to_hex(g), 12, '0'))::uuid, 'glad', CASE g % 3 WHEN 0 THEN '' WHEN 1 THEN 'note' END,
    CASE g % 4 WHEN 0 THEN NULL WHEN 1 THEN '{}' ELSE ARRAY[0.10, NULL, 12345678901234567890.5] END
  FROM generate_series(1, $1) g
`;
