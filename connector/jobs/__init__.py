"""RQ's side: the queue that carries ids, the tasks that workers run, the recurring schedule."""
