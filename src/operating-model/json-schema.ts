/** The form of the file as a JSON Schema, for editors: names, kinds and allowed values as one types. */
import { z } from 'zod';
import { fileSchema } from './file-schema.ts';
import { partWords } from './parts.ts';

/** JSON Schema draft 7, which the YAML language servers of editors read. */
export function jsonSchema(): object {
  const schema = z.toJSONSchema(fileSchema, { io: 'input', target: 'draft-7' });
  const properties = Object.fromEntries(
    Object.entries(schema.properties ?? {}).map(([key, value]) => [
      key,
      { description: partWords[key as keyof typeof partWords], ...(value as object) },
    ]),
  );
  return { ...schema, title: 'Operating model of Tocsin', properties };
}
