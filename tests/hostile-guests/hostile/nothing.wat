;; Exports nothing.
;; expect: load NoHook
(component)
