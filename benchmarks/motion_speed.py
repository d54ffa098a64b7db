"""How long the motion-readiness check takes for a 4K still, and how much memory.

Processor time is what a busy machine does not change; the clock's time is between half of it, on two free cores, and all.
"""

from __future__ import annotations

import resource
import statistics
import time

import calibration
import harness
import torch
import torch.nn.functional as F
from edit_first.checks.motion import check_motion

REPEATS = 5


def main() -> None:
    torch.set_num_threads(2)
    photo = calibration.photo_set()[0].load()
    still = F.interpolate(photo, (2160, 3840), mode="bicubic").clamp(0, 1)
    mask = calibration.blob_mask(still, 0)
    result: dict = {"size": "3840x2160", "model": "Wan 480p (832x480)", "threads": 2}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, given in (("still", {}), ("still, edit and subject", {"edit_mask": mask, "subject_mask": mask})):
        clock, processor = [], []
        for number in range(REPEATS + 1):
            start, busy = time.perf_counter(), time.process_time()
            with torch.inference_mode():
                check_motion(still, model=result["model"], **given)
            if number:  # the first run warms up
                clock.append(time.perf_counter() - start)
                processor.append(time.process_time() - busy)
        result[name] = {
            "clock_s": round(statistics.median(clock), 2),
            "fastest_clock_s": round(min(clock), 2),
            "processor_s": round(statistics.median(processor), 2),
            "fastest_processor_s": round(min(processor), 2),
        }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result["peak_mib_over_the_loaded_still"] = round((peak - before) / 1024)
    result["still_mib"] = round(still.numel() * 4 / 2**20)
    harness.save("motion_speed", result)


if __name__ == "__main__":
    main()
