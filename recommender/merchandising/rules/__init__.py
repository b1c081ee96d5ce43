"""What merchandisers decide about answers: writing rules, which are in force, and which of them concern a search."""
