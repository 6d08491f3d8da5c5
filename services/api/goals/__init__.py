"""Personal goals: what a learner wants to reach by when. How far they are is a report."""
