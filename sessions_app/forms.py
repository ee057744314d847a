"""What people type into the public pages."""

from django import forms


class JoinForm(forms.Form):
    """A join code, as somebody reads it from a screen: spaces, dashes and case do not matter."""

    code = forms.CharField(
        label="Join code",
        max_length=200,
        error_messages={
            "required": "Type the code the organiser gave you.",
            "max_length": "A join code has 8 letters and digits.",
        },
    )
