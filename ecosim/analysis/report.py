"""Reports: what is in a directory of results as one page that opens anywhere, without a network."""

from __future__ import annotations

from pathlib import Path

from ecosim.analysis import calibration_store
from ecosim.analysis.report_page import ReportPage, rendered
from ecosim.analysis.run_directory import RECORD
from ecosim.runs import REPORT_FILE, OutputError
from ecosim.studies import study_record
from ecosim.studies.whole_files import whole_file


def write_report(directory: str | Path, out: str | Path | None = None) -> Path:
    """Write the report of a run, of a study or of a calibration, and return where it is.

    Parameters
    ----------
    directory : what `ecosim run`, `ecosim sweep` or `ecosim calibrate` wrote with ``--out``.
    out : file to write; report.html in the directory unless given.

    Raises
    ------
    OutputError : the directory holds no results, or damaged ones; or the file cannot be written.
    ScenarioError : a library that reports take is not installed.
    """
    place = Path(directory)
    page = page_of(place)
    target = place / REPORT_FILE if out is None else Path(out)
    if target.is_dir():
        raise OutputError(f"{target}: is a directory; give the name of a file, such as {target / REPORT_FILE}")
    html = rendered(page)
    with whole_file(target) as file:
        file.write(html.encode())
    return target


def page_of(directory: Path) -> ReportPage:
    """Return what there is to say of a directory of results.

    Raises
    ------
    OutputError : it holds no results, or damaged ones.
    """
    if not directory.is_dir():
        finding = "is a file" if directory.exists() else "there is no such directory"
        raise OutputError(f"{directory}: {finding}; give a directory that run, sweep or calibrate wrote with --out")
    if (directory / RECORD).exists():
        from ecosim.analysis.report_run import run_page

        return run_page(directory)
    if (directory / study_record.FILE).exists():
        from ecosim.analysis.report_study import study_page

        return study_page(directory)
    if (directory / calibration_store.FILE).exists():
        from ecosim.analysis.report_calibration import calibration_page

        return calibration_page(directory)
    raise OutputError(
        f"{directory}: holds no results: neither {RECORD} of a run, nor {study_record.FILE} of a sweep, "
        f"nor {calibration_store.FILE} of a calibration; give a directory that one of them wrote with --out"
    )
