"""Server-side apply: who manages which field of an object, and the merge of configurations that are applied.

Pure; what may enter is decided by objects alone. In the order in which to read:

- :mod:`fieldset`: sets of field paths, in the very form in which ``managedFields`` holds them;
- :mod:`shapes`: what merges, and what is owned as a whole, by the published schemas;
- :mod:`walk`: the set of an object, and what a write added, changed and removed;
- :mod:`configuration`: the check of an applied configuration, and its set;
- :mod:`merge`: an applied configuration laid over an object, and fields taken out of one;
- :mod:`managers`: the entries of ``managedFields``, and how an update changes them;
- :mod:`applied`: what an apply makes of an object and of its managers, or its conflicts.

Follows ``sigs.k8s.io/structured-merge-diff`` and ``k8s.io/apimachinery/pkg/util/managedfields``.
"""
