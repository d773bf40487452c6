"""Who buys: invented people at invented addresses, with e-mails of example.com."""

import dataclasses
from typing import Final


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A town customers live in; `region` an ISO 3166-2 subdivision where post needs one."""

    city: str
    region: str | None
    postal_code: str
    country: str
    time_zone: str
    street: str
    phone: str


PLACES: Final = {
    "HH": Place("Hamburg", "HH", "20457", "DE", "Europe/Berlin", "Musterweg", "+49 40 66969"),
    "BE": Place("Berlin", "BE", "10115", "DE", "Europe/Berlin", "Beispielallee", "+49 30 23125"),
    "BY": Place("München", "BY", "80331", "DE", "Europe/Berlin", "Probegasse", "+49 89 99998"),
    "K": Place("Köln", "NW", "50667", "DE", "Europe/Berlin", "Musterufer", "+49 221 4710"),
    "W": Place("Wien", None, "1010", "AT", "Europe/Vienna", "Beispielring", "+43 1 55501"),
    "ZH": Place("Zürich", "ZH", "8001", "CH", "Europe/Zurich", "Musterhalde", "+41 44 5550"),
    "AMS": Place("Amsterdam", None, "1012", "NL", "Europe/Amsterdam", "Voorbeeldkade", "+31 20 5550"),
    "BRU": Place("Bruxelles", None, "1000", "BE", "Europe/Brussels", "Rue de l'Exemple", "+32 2 5550"),
    "PAR": Place("Paris", None, "75004", "FR", "Europe/Paris", "Rue du Modèle", "+33 1 99005"),
    "MIL": Place("Milano", None, "20121", "IT", "Europe/Rome", "Via Esempio", "+39 02 5550"),
    "MAD": Place("Madrid", None, "28013", "ES", "Europe/Madrid", "Calle Ejemplo", "+34 91 5550"),
    "LON": Place("London", None, "EC1A 1AA", "GB", "Europe/London", "Sample Street", "+44 20 79460"),
    "DUB": Place("Dublin", None, "D02", "IE", "Europe/Dublin", "Specimen Lane", "+353 1 5550"),
    "CPH": Place("København", None, "1050", "DK", "Europe/Copenhagen", "Eksempelvej", "+45 35 5550"),
    "STO": Place("Stockholm", None, "111 20", "SE", "Europe/Stockholm", "Exempelgatan", "+46 8 5550"),
    "WAW": Place("Warszawa", None, "00-001", "PL", "Europe/Warsaw", "Przykładowa", "+48 22 5550"),
    "SEA": Place("Seattle", "WA", "98101", "US", "America/Los_Angeles", "Sample Avenue", "+1 206 555 0"),
    "DEN": Place("Denver", "CO", "80202", "US", "America/Denver", "Example Street", "+1 303 555 0"),
    "NYC": Place("New York", "NY", "10013", "US", "America/New_York", "Specimen Street", "+1 212 555 0"),
    "YVR": Place("Vancouver", "BC", "V6B 1A1", "CA", "America/Vancouver", "Model Road", "+1 604 555 0"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    """A customer of the web shop, or the buyer of a company; `id` is what a customer's token names."""

    id: str
    name: str
    place: Place
    house: int

    @property
    def email(self) -> str:
        return f"{self.name.lower().replace(' ', '.').encode('ascii', 'ignore').decode()}@example.com"

    @property
    def phone(self) -> str:
        return f"{self.place.phone}{100 + self.house}"

    @property
    def street(self) -> str:
        return f"{self.place.street} {self.house}"


def _people(first: int, prefix: str, listed: str) -> tuple[Person, ...]:
    """Read "Name @ town" pairs; the ids count up from `first`."""
    entries = [entry.split(" @ ") for entry in listed.replace("\n", " ").split(", ")]
    return tuple(
        Person(f"{prefix}{first + number}", name.strip(), PLACES[town.strip()], 1 + number * 7 % 90)
        for number, (name, town) in enumerate(entries)
    )


CUSTOMERS: Final = _people(
    1001,
    "C-",
    """Ada Muster @ HH, Ben Beispiel @ BE, Clara Probe @ BY, Dario Modello @ MIL, Elin Exempel @ STO,
    Finn Specimen @ LON, Greta Vorlage @ K, Hugo Exemple @ PAR, Ines Ejemplo @ MAD, Jonas Entwurf @ HH,
    Kim Sample @ SEA, Lars Eksempel @ CPH, Mia Placeholder @ NYC, Noah Template @ DEN, Olga Wzorowa @ WAW,
    Paul Voorbeeld @ AMS, Quinn Dummy @ YVR, Rosa Schablone @ W, Sven Attrappe @ ZH, Tara Mockup @ DUB,
    Ugo Facsimile @ MIL, Vera Versuch @ BE, Wim Proefdruk @ BRU, Xenia Modell @ BY, Yann Maquette @ PAR,
    Zoe Prototype @ LON, Anton Leerfeld @ K, Bella Fiktiva @ STO, Carl Example @ SEA, Dana Blanko @ W,
    Emil Kopie @ HH, Frida Test @ CPH, Gino Prova @ MIL, Hanna Muster @ BE, Ivo Dublette @ ZH,
    Jane Specimen @ NYC, Karl Vordruck @ BY, Lena Skizze @ K, Max Example @ DEN, Nora Entwurf @ AMS""",
)
COMPANIES: Final = _people(
    501,
    "B-",
    """Alpine Club Sample @ DEN, Summit Guides Example @ SEA, Camp Placeholder @ NYC,
    Bergschule Muster @ BY, Hotel Beispielhof @ W, Trail Rentals Mockup @ YVR""",
)
# A marketplace hides its buyers behind an address of its own.
SHOPPERS: Final = _people(
    1,
    "",
    """Alex Buyer @ BE, Blake Shopper @ PAR, Casey Client @ MIL, Dana Customer @ K, Eden Basket @ AMS,
    Frankie Cart @ HH, Gale Checkout @ MAD, Harper Parcel @ BY, Indigo Order @ BRU, Jules Purchase @ W""",
)
