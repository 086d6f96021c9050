import { z } from 'zod';

const sessionSchema = z.object({
  project: z.string().nullable().describe('the project of the session, or the own project if no credentials are configured'),
  roles: z.array(z.string()).describe('what the session may do: invoke, read, deploy, admin'),
  is_open: z.boolean().describe('no credentials are configured, so no sign-in is needed'),
  signed_in: z.boolean(),
  version: z.string(),
});
export type Session = z.infer<typeof sessionSchema>;
