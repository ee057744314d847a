"""Forms as a browser would send them."""

from __future__ import annotations

from typing import Any


def form_of(response: Any) -> dict[str, Any]:
    """What a browser would send back of a change page, untouched."""
    forms = [response.context["adminform"].form]
    for formset in response.context["inline_admin_formsets"]:
        forms += [formset.formset.management_form, *formset.formset.forms]
    data: dict[str, Any] = {}
    for form in forms:
        for field in form:
            value = field.value()
            if value is None or value is False:
                continue
            widget = field.field.widget
            if hasattr(widget, "widgets"):
                parts = widget.decompress(value)
                data |= {f"{field.html_name}_{n}": part or "" for n, part in enumerate(parts)}
            else:
                data[field.html_name] = (
                    [getattr(one, "pk", one) for one in value] if isinstance(value, list) else value
                )
    return data
