// Owns who the visitors of the demo are called and what they read. A real application has tables for both.

const names: Record<string, string> = { anna: 'Anna', ben: 'Ben', clara: 'Clara', david: 'David' };

/** The id of a user who is not of the demo stands for the name. */
export const nameOf = (userId: string): string => (Object.hasOwn(names, userId) ? names[userId]! : userId);

export const books = [
  { id: 'middlemarch', title: 'Middlemarch' },
  { id: 'moby-dick', title: 'Moby-Dick' },
  { id: 'walden', title: 'Walden' },
  { id: 'emma', title: 'Emma' },
] as const;

/** What a reader can tell of a book: the type of the activity, and the button's text. */
export const deeds = [
  { type: 'started', label: 'Started' },
  { type: 'liked', label: 'Liked' },
  { type: 'finished', label: 'Finished' },
] as const;
