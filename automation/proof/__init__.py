"""The main job: proves on a throw-away stack that nothing is lost."""
