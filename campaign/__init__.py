"""Many jobs from one table: scenes x products x colors x prompts, on one machine or many, resumable."""
