"""The `socialcare` command: the local stack, the player of stories, and the one-shot commands of operators."""
