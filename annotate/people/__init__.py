"""Who is asking: accounts and passwords, the pages to sign in, and the gate before the app."""
