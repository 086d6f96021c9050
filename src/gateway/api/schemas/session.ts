import { z } from 'zod';

const sessionSchema = z.object({
  project: z.string().nullable().describe('of the session, or the own one when there are no credentials'),
  is_open: z.boolean().describe('no credentials are configured: nobody needs to sign in'),
  signed_in: z.boolean(),
  version: z.string(),
});
export type Session = z.infer<typeof sessionSchema>;
