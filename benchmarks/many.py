"""A folder of pictures through one runtime, whichever `mnist predict` would choose."""

import json
import sys
import time

from mnist_pipeline.prediction.finding import find
from mnist_pipeline.prediction.many import answers
from mnist_pipeline.prediction.predictor import predictor

_, folder, run, runtime = sys.argv
assert runtime in ("opencv", "onnxruntime")
started = time.perf_counter()
count = sum(len(batch) for batch in answers(find([folder]), predictor(run, runtime)))  # type: ignore[arg-type]
print(json.dumps({"count": count, "rate": count / (time.perf_counter() - started)}))
