;; Wants what a terminal would act upon; the name is refused by the parser or shown escaped.
;; expect: load
(component (import "a:b/c@1.0.0" (instance)) (import "plimsoll:policy/evil@0.2.0" (instance)))
