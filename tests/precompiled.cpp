// Of tests_precompiled: its precompiled header is all that it has.
