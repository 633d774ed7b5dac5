"""The tasks of test_celery.py, as a user would write them."""
import os

from celery import Celery

app = Celery("tasks", broker=os.environ["BROKER_URL"], backend=os.environ["RESULT_URL"])
app.conf.update(broker_connection_retry_on_startup=True, worker_hijack_root_logger=False, task_acks_late=True,
                worker_prefetch_multiplier=4, task_default_priority=5,
                broker_transport_options={"visibility_timeout": 60})


@app.task
def add(a, b):
    return a + b


@app.task
def fail(text):
    raise ValueError(text)


@app.task(bind=True, max_retries=3)
def third_time(self):
    if self.request.retries < 2:
        raise self.retry(countdown=0)
    return self.request.retries


@app.task
def total(numbers):
    return sum(numbers)
