import { sql } from '#db/sql.ts';

/** The day at the centre: worked out once for a statement, and not for each row. */
export const thisDay = sql`(select kernel.today())`;
