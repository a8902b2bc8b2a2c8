"""What a command costs: processor time, so that a machine with other work on it changes nothing."""
import resource
import subprocess


def spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def seconds(*arguments, **options) -> tuple:
    """(finished process, processor seconds of it and of what it started and waited for)."""
    before = spent()
    done = subprocess.run(arguments, capture_output=True, text=True, **options)
    return done, spent() - before
