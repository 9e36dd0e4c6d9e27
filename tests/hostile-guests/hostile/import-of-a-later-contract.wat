;; Wants a version that there is not.
;; expect: load Import plimsoll:policy/view@0.9.0
(component (import "plimsoll:policy/view@0.9.0" (instance)))
