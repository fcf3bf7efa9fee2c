"""What a study leaves behind for people and programs: the report and the exported model."""
